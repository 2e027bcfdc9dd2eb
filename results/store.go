package results

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The files of a run folder and of a suite folder.
const (
	runFile    = "run.json"
	seriesFile = "series.csv"
	benchFile  = "bench.txt"
	suiteFile  = "suite.json"
)

// create makes a file that must not exist and writes it to the disk.
func createWhole(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// replaceWhole writes a file under a temporary name beside it and renames it
// over the old one, so a reader sees the old or the new content and never a part.
func replaceWhole(path string, data []byte) error {
	tmp := temporary(path)
	if err := createWhole(tmp, data); err != nil {
		_ = os.Remove(tmp)
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		_ = os.Remove(tmp)
		return err
	}
	return syncDir(filepath.Dir(path))
}

// temporary names a sibling of path that no other process uses.
func temporary(path string) string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	dir, base := filepath.Split(path)
	return filepath.Join(dir, "."+base+".tmp-"+hex.EncodeToString(b[:]))
}

// syncDir makes names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// vacant reports an error if something is at path.
func vacant(path string) error {
	switch _, err := os.Lstat(path); {
	case err == nil:
		return fmt.Errorf("%s exists already: results are never written over, choose another name or remove it", path)
	case errors.Is(err, fs.ErrNotExist):
		return nil
	default:
		return err
	}
}
