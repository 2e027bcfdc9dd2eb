package digest

import (
	"slices"
	"strings"

	"signalbench/results"
)

// kernelPrefix begins the ledger items that are slab caches.
const kernelPrefix = "kernel."

// A KernelObject is what one connection costs in one slab cache, both ends
// together where both are on this machine.
type KernelObject struct {
	Name  string // of the cache
	Total results.Slope
	// Socket marks the objects behind a socket; the others grew with the
	// connections for another reason.
	Socket bool
}

// Kernel returns the settled cost of a connection in each slab cache that the
// ledger has a row for, in its order.
func (r *Run) Kernel() []KernelObject {
	if r.Ledger == nil {
		return nil
	}
	sums := []string{results.ItemKernelSockets, results.ItemKernelServer, results.ItemKernelClient, results.ItemKernelOther, results.ItemTCPMem}
	var list []KernelObject
	for _, s := range r.Ledger.Slopes {
		name, ok := strings.CutPrefix(s.Item, kernelPrefix)
		if !ok || s.Kind != results.Settled || slices.Contains(sums, s.Item) {
			continue
		}
		list = append(list, KernelObject{
			Name: name, Total: s,
			Socket: slices.Contains(results.SocketCaches(), name) || strings.HasPrefix(name, "kmalloc-"),
		})
	}
	return list
}

// ServerShare is the part of the objects behind sockets that is the server's:
// one half when both ends are on this machine. It is 0 where it is not known.
func (r *Run) ServerShare() float64 {
	all, ok := r.Slope(results.ItemKernelSockets)
	server, known := r.Slope(results.ItemKernelServer)
	if !ok || !known || all.PerConn <= 0 {
		return 0
	}
	return server.PerConn / all.PerConn
}
