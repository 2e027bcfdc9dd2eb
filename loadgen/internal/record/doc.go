// Package record counts and times what lanes do, phase by phase.
//
// Each lane has a [Shard] of its own for each phase that is open, and writes to
// it without a lock. Once a second the lane swaps the shard's filled [Set] for
// an empty one and hands it to the collector, which adds it to the phase's
// total. Where lanes are many they share histograms, see [Pool]. Nothing is averaged and, once a phase is open, nothing is allocated.
//
// The package must not know connections or workloads.
package record
