package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/gobwas/ws"
)

// next takes one frame off p and unmasks it in place. It returns io.EOF if p
// holds no whole frame.
func next(p []byte) (h ws.Header, payload, rest []byte, err error) {
	r := bytes.NewReader(p)
	h, err = ws.ReadHeader(r)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return h, nil, p, io.EOF
	}
	if err != nil {
		return h, nil, p, err
	}
	at := len(p) - r.Len()
	if int64(r.Len()) < h.Length {
		return h, nil, p, io.EOF
	}
	if !h.Masked || !h.Fin || h.OpCode == ws.OpContinuation {
		return h, nil, p, fmt.Errorf("frame that a load generator does not send: %+v", h)
	}
	payload = p[at : at+int(h.Length)]
	ws.Cipher(payload, h.Mask, 0)
	return h, payload, p[at+int(h.Length):], nil
}
