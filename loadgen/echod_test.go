package main

import (
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/gorilla/websocket"
)

// echod is a WebSocket server for the scripts: "echod FILE [MODE]" writes its
// address to FILE and serves until it is killed. It is built on gorilla, so that
// what it says is not our own opinion of the protocol.
//
//	echo    answers every message with itself (the default)
//	mangle  changes the last octet of every 50th message
//	deaf    never reads
//	page    answers every request with a page
func echod() {
	mode := "echo"
	if len(os.Args) > 2 {
		mode = os.Args[2]
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := os.WriteFile(os.Args[1], []byte(l.Addr().String()+"\n"), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	up := websocket.Upgrader{}
	_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if mode == "page" {
			fmt.Fprintln(w, "hello")
			return
		}
		conn, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		if mode == "deaf" {
			select {}
		}
		for n := 1; ; n++ {
			kind, p, err := conn.ReadMessage()
			if err != nil {
				return
			}
			if mode == "mangle" && n%50 == 0 {
				p[len(p)-1]++
			}
			if conn.WriteMessage(kind, p) != nil {
				return
			}
		}
	}))
}
