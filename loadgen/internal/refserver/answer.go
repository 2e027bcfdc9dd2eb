package main

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"errors"
)

// An answer is what an opening handshake gets.
type answer string

const (
	right       answer = "right"
	wrongAccept answer = "wrong-accept" // 101 with the Accept of another key
	status200   answer = "status-200"
	garbage     answer = "garbage" // not HTTP
	closes      answer = "close"   // end of stream without a byte
	silence     answer = "silence" // nothing, for ever
)

// guid is the constant of RFC 6455 section 1.3.
const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// accept is the Sec-WebSocket-Accept of key (RFC 6455 section 4.2.2).
func accept(key []byte) string {
	sum := sha1.Sum(append(bytes.Clone(key), guid...))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// bytes is what is written for a request with the given key.
func (a answer) bytes(key []byte) []byte {
	switch a {
	case wrongAccept:
		return switching(accept(append(bytes.Clone(key), '!')))
	case status200:
		return []byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	case garbage:
		return []byte("220 mail.example ESMTP ready\r\n\r\n")
	case closes, silence:
		return nil
	default:
		return switching(accept(key))
	}
}

func switching(accept string) []byte {
	return []byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + "\r\n\r\n")
}

// key finds the Sec-WebSocket-Key in a whole request head.
func key(head []byte) ([]byte, error) {
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		name, value, ok := bytes.Cut(line, []byte(":"))
		if ok && bytes.EqualFold(name, []byte("Sec-WebSocket-Key")) {
			return bytes.TrimSpace(value), nil
		}
	}
	return nil, errors.New("request without Sec-WebSocket-Key")
}
