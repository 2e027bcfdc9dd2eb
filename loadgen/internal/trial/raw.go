package trial

import (
	"fmt"
	"net"
	"slices"
)

// rawWorkloads are those that make sense without WebSocket.
var rawWorkloads = []string{Hold, Echo, EchoClosed, Churn}

// checkRaw reports what a server that echoes bytes cannot be asked for.
func (p *Plan) checkRaw() error {
	if !p.Target.Raw {
		return nil
	}
	for _, w := range p.Workloads {
		if !slices.Contains(rawWorkloads, w) {
			return fmt.Errorf("workload %s needs WebSocket, and %s has none: there are %s", w, p.Target, list(rawWorkloads))
		}
	}
	for _, o := range []struct {
		asked      bool
		flag, what string
	}{
		{p.Proto != nil, "--proto", "a protocol above WebSocket"},
		{p.Binary, "--binary", "a kind of message"},
		{slices.Contains(p.Workloads, Hold) && p.Heartbeat > 0, "--heartbeat", "a ping frame"},
		{len(p.Adversaries) > 0, "--adversary", "a client that breaks the rules of WebSocket"},
	} {
		if o.asked {
			return fmt.Errorf("%s asks for %s, and %s is plain TCP: leave it out", o.flag, o.what, p.Target)
		}
	}
	return nil
}

// leave ends a connection in good order: this side first, and then the server's.
func leave(conn net.Conn) error {
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		return fmt.Errorf("the server ended the connection at once: %w", err)
	}
	await(conn)
	return nil
}
