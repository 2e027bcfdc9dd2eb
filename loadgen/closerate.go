package main

import (
	"fmt"

	"signalbench/loadgen/internal/pace"
)

// closeRate is how many closing handshakes begin in a second, 0 for auto.
type closeRate pace.Rate

// UnmarshalText implements [encoding.TextUnmarshaler].
func (r *closeRate) UnmarshalText(text []byte) error {
	if string(text) == "auto" {
		*r = 0
		return nil
	}
	var rate pace.Rate
	if err := rate.UnmarshalText(text); err != nil {
		return err
	}
	if rate <= 0 {
		return fmt.Errorf("%q: write a rate, for example 20000/s, or auto", text)
	}
	*r = closeRate(rate)
	return nil
}
