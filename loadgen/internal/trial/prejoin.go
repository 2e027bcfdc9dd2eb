package trial

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"

	"signalbench/loadgen/internal/channel"
	"signalbench/loadgen/internal/frame"
	"signalbench/server/phoenix"
)

// join joins the topic of the first connection. If peers are to signal, its reply must
// name the peer.
func join(conn net.Conn, p *channel.Protocol, signals bool) error {
	topic := p.AppendTopic(nil, 0)
	ref := []byte("1")
	m := phoenix.Message{JoinRef: ref, Ref: ref, Topic: topic, Event: []byte(phoenix.Join), Payload: p.Join}
	if _, err := conn.Write(frame.Append(nil, frame.Text, randomKey(), nil, phoenix.Append(nil, p.Version, &m))); err != nil {
		return fmt.Errorf("cannot send a join: %w", err)
	}
	const most = 1 << 20 // of what may come before the reply
	var in []byte
	buf := make([]byte, 4096)
	for len(in) < most {
		n, err := conn.Read(buf)
		in = append(in, buf[:n]...)
		for {
			h, size, bad := frame.Parse(in)
			if bad != nil {
				return fmt.Errorf("joining %s: the server breaks the protocol: %w", topic, bad)
			}
			if size == 0 || uint64(len(in)-size) < h.Length {
				break
			}
			payload := in[size : size+int(h.Length)]
			in = in[size+int(h.Length):]
			if h.Opcode == frame.Close {
				return fmt.Errorf("the server closed the connection when it was asked to join %s: %s", topic, closeReason(payload))
			}
			if m.Decode(p.Version, h.Opcode == frame.Binary, payload) != nil || string(m.Event) != phoenix.ReplyEvent || string(m.Ref) != string(ref) {
				continue
			}
			status, response, err := m.Reply()
			switch {
			case err != nil:
				return fmt.Errorf("joining %s: the reply cannot be read: %w", topic, err)
			case string(status) != phoenix.OK:
				return fmt.Errorf("joining %s was refused: status %q, response %.200s (--topic and --join-payload say what is joined)", topic, status, response)
			}
			if _, id, err := phoenix.Member(response, "id"); signals && (!id || err != nil) {
				return fmt.Errorf("the reply to a join of %s is %.200s and names no id of the peer: workload signal is for rooms that relay messages by it", topic, response)
			}
			return nil
		}
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("the server ended the connection when it was asked to join %s: does it speak Phoenix Channels there?", topic)
		}
		if err != nil {
			return fmt.Errorf("cannot read the reply to a join: %w", err)
		}
	}
	return fmt.Errorf("joining %s: the server sent %d B and no reply", topic, most)
}

// closeReason is what a close frame says.
func closeReason(p []byte) string {
	if len(p) < 2 {
		return "no reason was given"
	}
	return fmt.Sprintf("code %d %q", binary.BigEndian.Uint16(p), p[2:])
}
