package gate

import (
	"fmt"
	"slices"
	"strings"
)

// matchesAny reports whether one of the patterns is the topic, or ends in a "*"
// whose beginning the topic has.
func matchesAny(patterns []string, topic string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		if prefix, ok := strings.CutSuffix(p, "*"); ok {
			return strings.HasPrefix(topic, prefix)
		}
		return p == topic
	})
}

// checkPattern refuses a pattern that would not do what it looks like.
func checkPattern(p string) error {
	switch at := strings.IndexByte(p, '*'); {
	case p == "":
		return fmt.Errorf("an empty pattern matches nothing")
	case at >= 0 && at < len(p)-1:
		return fmt.Errorf("pattern %q: a * stands at the end only", p)
	}
	return nil
}
