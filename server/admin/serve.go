package admin

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// UnixPrefix begins the address of an admin listener on a socket of the file
// system, as in "unix:/run/admin".
const UnixPrefix = "unix:"

// headerTimeout bounds a request's header. A profile may take as long as it was
// asked to, so nothing bounds the answer.
const headerTimeout = 10 * time.Second

// Serve answers on l until ctx is done, then ends at once. It takes ownership of
// l. A nil error means that ctx was done.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: headerTimeout}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	err := srv.Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
