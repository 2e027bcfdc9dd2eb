package phoenix

import (
	"fmt"
	"strings"
)

// A Version is the form that messages have on one connection. A client asks for
// it with the query parameter vsn.
type Version uint8

// The versions.
const (
	V1 Version = 1 + iota // vsn=1.0.0, objects
	V2                    // vsn=2.0.0, arrays and binary frames
)

// String returns the vsn.
func (v Version) String() string {
	return fmt.Sprintf("%d.0.0", uint8(v))
}

// ParseVersion reads the value of vsn, percent-encoding removed. A client that
// does not send any speaks [V1], as to Phoenix; otherwise the major number
// decides.
func ParseVersion(vsn string) (Version, error) {
	if vsn == "" {
		return V1, nil
	}
	major, minor, dotted := strings.Cut(vsn, ".")
	if dotted && minor == "" || strings.Trim(minor, "0123456789.") != "" {
		return 0, fmt.Errorf("serializer version %.32q is not a version", vsn)
	}
	switch major {
	case "1":
		return V1, nil
	case "2":
		return V2, nil
	}
	return 0, fmt.Errorf("serializer version %.32q is neither 1 nor 2", vsn)
}
