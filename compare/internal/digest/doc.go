// Package digest reads a comparison from its folder and sums it up: the runs
// of each arm, their histograms merged, every quantity by name with its unit
// and the direction that is better, and what is unequal between runs that are
// compared.
//
// Percentiles over several repetitions come from merged histograms, never from
// averages of percentiles. The package must not know how a figure is shown.
package digest
