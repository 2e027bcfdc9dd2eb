package main

import "testing"

func TestBytesFlag(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"0": 0, "17": 17, "17B": 17, "2kB": 2000, "2KB": 2000, "2KiB": 2048, "3 MiB": 3 << 20, "1GiB": 1 << 30, "1GB": 1e9, "4MB": 4e6,
		"-1": -1, "": -1, "KiB": -1, "1.5MB": -1, "12XB": -1, "9223372036854775807": 1<<63 - 1, "9223372036854775807kB": -1, "1 2": -1,
	} {
		var b bytesFlag
		err := b.UnmarshalText([]byte(text))
		if ok := want >= 0; ok != (err == nil) || ok && int64(b) != want {
			t.Errorf("%q is %d, %v; want %d", text, b, err, want)
		}
	}
}
