package publish

import (
	"bytes"
	"errors"
	"net/textproto"
	"strconv"

	"signalbench/server/phoenix"
)

// maxAnswer bounds one answer in bytes.
const maxAnswer = 64 << 10

var errAnswer = errors.New("no answer of an admin listener")

// An answer is what the admin listener says to one request.
type answer struct {
	status    int // an HTTP status code
	receivers int // of what was published, if the status is 200
}

var (
	lineEnd = []byte("\r\n")
	headEnd = []byte("\r\n\r\n")
	version = []byte("HTTP/1.1 ")
	length  = []byte("Content-Length")
	coding  = []byte("Transfer-Encoding")
)

// parse reads the first answer in p and returns its length, 0 if it is not whole yet.
// An admin listener tells the length of what it answers (RFC 9112 section 6.2); an
// answer in chunks is not understood.
func parse(p []byte) (a answer, n int, err error) {
	end := bytes.Index(p, headEnd)
	if end < 0 {
		if len(p) > maxAnswer {
			return a, 0, errAnswer
		}
		return a, 0, nil
	}
	if bytes.Count(p[:end], []byte("\n")) != bytes.Count(p[:end], lineEnd) {
		return a, 0, errAnswer // others may take a line feed alone for the end of a line (RFC 9112 section 2.2)
	}
	status, fields, _ := bytes.Cut(p[:end], lineEnd)
	rest, ok := bytes.CutPrefix(status, version)
	if !ok || len(rest) < 3 || len(rest) > 3 && rest[3] != ' ' {
		return a, 0, errAnswer
	}
	if a.status, err = strconv.Atoi(string(rest[:3])); err != nil || a.status < 100 {
		return a, 0, errAnswer
	}
	size, told := 0, false
	for line := range bytes.SplitSeq(fields, lineEnd) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case bytes.EqualFold(name, coding):
			return a, 0, errAnswer
		case !bytes.EqualFold(name, length):
			continue
		}
		v, err := strconv.ParseUint(string(textproto.TrimBytes(value)), 10, 31)
		if err != nil || v > maxAnswer || told {
			return a, 0, errAnswer
		}
		size, told = int(v), true
	}
	if !told {
		return a, 0, errAnswer
	}
	n = end + len(headEnd) + size
	if len(p) < n {
		return a, 0, nil
	}
	if a.status == 200 {
		// Without an allocation, as there are thousands in a second.
		raw, ok, err := phoenix.Member(bytes.TrimSpace(p[n-size:n]), "receivers")
		if err != nil || !ok {
			return answer{}, 0, errAnswer
		}
		if a.receivers, err = strconv.Atoi(string(raw)); err != nil || a.receivers < 0 {
			return answer{}, 0, errAnswer
		}
	}
	return a, n, nil
}
