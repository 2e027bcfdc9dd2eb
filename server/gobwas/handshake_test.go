package gobwas

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"signalbench/server/bufpool"
	"signalbench/server/upgrade"
)

func TestReadHead(t *testing.T) {
	t.Parallel()
	long := "GET / HTTP/1.1\r\nCookie: " + strings.Repeat("c", upgrade.MaxRequest-28) + "\r\n\r\n"
	if len(long) != upgrade.MaxRequest {
		t.Fatalf("the long request has %d bytes", len(long))
	}
	for name, tt := range map[string]struct {
		in  string
		end int
		err error
	}{
		"whole":       {"GET / HTTP/1.1\r\n\r\n", 18, nil},
		"with more":   {"GET / HTTP/1.1\r\n\r\n\x81\x80....", 18, nil},
		"longest":     {long, upgrade.MaxRequest, nil},
		"too long":    {strings.Replace(long, "C", "CC", 1), 0, nil},
		"endless":     {strings.Repeat("x", 1<<20), 0, nil},
		"nothing":     {"", 0, io.EOF},
		"part":        {"GET / HTTP/1.1\r\n", 0, io.EOF},
		"empty lines": {"\r\n\r\n", 2, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, r := range []io.Reader{strings.NewReader(tt.in), iotest.OneByteReader(strings.NewReader(tt.in)), iotest.DataErrReader(strings.NewReader(tt.in))} {
				b, end, err := readHead(r, bufpool.Get(64))
				if end != tt.end || !errors.Is(err, tt.err) {
					t.Errorf("end %d, %v; want %d, %v", end, err, tt.end, tt.err)
				}
				if len(b.B) > upgrade.MaxRequest || !strings.HasPrefix(tt.in, string(b.B)) {
					t.Errorf("read %d bytes that are not those sent", len(b.B))
				}
				bufpool.Put(b)
			}
		})
	}
}
