package main

import "signalbench/compare/internal/orchestrate"

// tcpSummaries say in a line what each kind of "server tcp" is.
var tcpSummaries = map[string]string{
	"goroutine": "package net, a goroutine for each connection",
	"epoll":     "one epoll instance, whose thread reads and echoes",
	"epolls":    "several epoll instances on one port (SO_REUSEPORT), a thread each",
	"prefork":   "several processes on one port (SO_REUSEPORT), an epoll instance each",
	"pool":      "one epoll instance and a pool of workers that read and echo",
}

// tcpArm is our server of bytes without WebSocket, of a kind that "server tcp" has.
// Flags are further ones of it.
func tcpArm(kind string, flags ...string) orchestrate.Arm {
	return orchestrate.Arm{
		Name: "tcp-" + kind, Summary: "bytes over TCP, no WebSocket: " + tcpSummaries[kind], Flags: flags,
		Program: &orchestrate.Program{Args: []string{"tcp", "--kind", kind}, Engine: "tcp-" + kind, Scheme: "tcp", Admin: true},
	}
}
