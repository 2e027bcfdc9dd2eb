package format

import (
	"math"
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0:                         "0",
		999:                       "999 ns",
		1500:                      "1.50 µs",
		183 * time.Microsecond:    "183 µs",
		999_400:                   "999 µs",
		999_600:                   "1.00 ms", // not "1,000 µs"
		1420 * time.Microsecond:   "1.42 ms",
		15600 * time.Millisecond:  "15.6 s",
		-1420 * time.Microsecond:  "-1.42 ms",
		999_900 * time.Nanosecond: "1.00 ms",
	} {
		if got := Duration(d); got != want {
			t.Errorf("Duration(%d) = %q, want %q", d, got, want)
		}
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ got, want string }{
		{Whole(17180.4), "17,180"},
		{Whole(-1234567), "-1,234,567"},
		{Whole(999), "999"},
		{Whole(-0.2), "0"},
		{Whole(math.NaN()), Unknown},
		{Whole(math.Inf(1)), Unknown},
		{Count(0.9999), "1.00"},
		{Count(-0.0001), "0.00"},
		{Bytes(640), "640 B"},
		{Bytes(4250), "4.15 KiB"},
		{Bytes(1 << 30), "1.00 GiB"},
		{Percent(0.125), "12.5 %"},
		{Percent(0), "0 %"},
		{Percent(0.05), "5 %"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}
