// Package outbox makes the writes of a goroutine-per-connection engine such
// that none of them blocks.
//
// A [Conn] writes straight to the kernel. What the kernel does not take waits
// in the outbox, in order, and a goroutine that lives only as long as something
// waits sends it. So an idle connection and one whose peer keeps up own neither
// a buffer nor a goroutine, and a write to them costs one write(2) and no
// allocation.
//
// Bounds: [Conn.Admit] lets a message in while fewer than Config.Outbox bytes
// wait, and the outbox must run empty within Config.WriteTimeout. A peer that
// keeps neither is a slow consumer.
//
// The package must not know frames or messages.
package outbox
