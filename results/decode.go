package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// SchemaError says that a file is in a format that this build does not know,
// most likely a newer one.
type SchemaError struct {
	Path string // the file
	Have string // the schema that it names, empty if none
	Want string // the schema that this build reads
}

func (e *SchemaError) Error() string {
	if e.Have == "" {
		return fmt.Sprintf("%s: the file names no schema, this build reads %q", e.Path, e.Want)
	}
	return fmt.Sprintf("%s: schema %q is not known to this build, which reads %q", e.Path, e.Have, e.Want)
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encoding: %w", err)
	}
	return b.Bytes(), nil
}

// maxJSON bounds what is read into memory at once: a run with a thousand
// readings of a hundred slab caches is a tenth of it.
const maxJSON = 256 << 20

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxJSON+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxJSON {
		return nil, fmt.Errorf("%s is larger than %d MiB", path, maxJSON>>20)
	}
	return data, nil
}

// decode reads JSON of exactly one schema into v. path is for errors alone,
// which tell where in the file the fault is. Within a known schema an unknown
// field is an error too: to ignore it would be to misread the file.
func decode(path string, data []byte, schema string, v any) error {
	var head struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return jsonError(path, data, -1, err)
	}
	if head.Schema != schema {
		return &SchemaError{Path: path, Have: head.Schema, Want: schema}
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return jsonError(path, data, d.InputOffset(), err)
	}
	return nil
}

// jsonError says at which byte and line a decoding error lies; offset is used
// if the error does not tell (-1: not known either).
func jsonError(path string, data []byte, offset int64, err error) error {
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
		if offset >= int64(len(data)) {
			return fmt.Errorf("%s: the file ends at byte %d within a value: it is truncated", path, len(data))
		}
	case errors.As(err, &mismatch):
		offset = mismatch.Offset
	}
	if offset < 0 || offset > int64(len(data)) {
		return fmt.Errorf("%s: %w", path, err)
	}
	line := 1 + bytes.Count(data[:offset], []byte{'\n'})
	return fmt.Errorf("%s: at byte %d (line %d): %w", path, offset, line, err)
}
