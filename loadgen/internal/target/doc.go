// Package target knows the server under load: what its URLs mean, and by which
// route the n-th connection goes to it, so that no pair of addresses runs out of
// ports.
//
// The package must not know how a connection is made.
package target
