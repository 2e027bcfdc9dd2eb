package channel

import (
	"bytes"
	"encoding/json"
	"fmt"

	"signalbench/server/phoenix"
)

// quiet is what asks a room for no reply to a push, but for an error.
const quiet = `{"ack":false`

// Quiet returns the payload of a join, an object, as one that asks for no replies to
// pushes.
func Quiet(join []byte) []byte { return append([]byte(quiet), Tail(join)...) }

// Tail is an object without its opening brace, with a comma in front if there is a
// member.
func Tail(object []byte) []byte {
	inside := bytes.TrimLeft(bytes.TrimLeft(object, " \t\r\n")[1:], " \t\r\n")
	if inside[0] == '}' {
		return inside
	}
	return append([]byte{','}, inside...)
}

// AppendMarked appends the payload of a Quiet join that others can recognise: its meta
// is a mark, which they are told with the presence of the peer. tail is that of the
// other members.
func AppendMarked(dst, mark, tail []byte) []byte {
	dst = append(dst, quiet+`,"meta":`...)
	dst = phoenix.AppendString(dst, mark)
	return append(dst, tail...)
}

// CheckMarked says what stands against a payload for such a join.
func CheckMarked(join []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(join, &members); err != nil || members == nil {
		return fmt.Errorf("--join-payload %s is no object, which workload signal needs", join)
	}
	for _, taken := range []string{"ack", "meta"} {
		if _, ok := members[taken]; ok {
			return fmt.Errorf("--join-payload has a member %q, which workload signal sets itself", taken)
		}
	}
	return nil
}
