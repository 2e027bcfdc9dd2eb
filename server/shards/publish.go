package shards

import (
	"bytes"
	"context"
	"net/url"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"signalbench/server/admin"
	"signalbench/server/engine"
)

var _ admin.Publisher = (*Fleet)(nil)

// Publish implements [admin.Publisher]: it asks all shards that live.
func (f *Fleet) Publish(ctx context.Context, channel string, op engine.Opcode, message []byte) (int, error) {
	kind := "text/plain; charset=utf-8"
	if op == engine.OpBinary {
		kind = "application/octet-stream"
	}
	return f.post(ctx, "/publish/"+escape(channel), kind, message)
}

// Broadcast implements [admin.Publisher]: it asks all shards that live.
func (f *Fleet) Broadcast(ctx context.Context, room, event string, payload []byte) (int, error) {
	return f.post(ctx, "/broadcast/"+escape(room)+"/"+escape(event), "application/json", payload)
}

// escape makes a part of a path of a name, also of "." and "..", which would be taken
// for steps.
func escape(name string) string {
	return strings.ReplaceAll(url.PathEscape(name), ".", "%2E")
}

// post sends the same to all and adds up their receivers.
func (f *Fleet) post(ctx context.Context, path, kind string, body []byte) (int, error) {
	var sum atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, s := range f.all() {
		group.Go(func() error {
			var r admin.Receipt
			err := s.do(ctx, "POST", path, kind, bytes.NewReader(body), &r)
			if s.over() {
				return nil // who was connected to it is gone
			}
			sum.Add(int64(r.Receivers))
			return err
		})
	}
	err := group.Wait()
	return int(sum.Load()), err
}
