// Package results owns the file format of signalbench: what a run is, how it is
// stored, merged and judged. No other package reads or writes these files.
//
// A run is a folder:
//
//	run.json                       a Run: asked, where, counted, judged
//	<phase>.<metric>.hlog          HdrHistogram V2 interval logs, one-second intervals
//	series.csv                     one row a second: rates, counts, memory, CPU
//	bench.txt                      the run as Go benchmark lines, for benchstat
//
// A suite is a folder with suite.json (a Suite) and one run folder for each arm
// and repetition.
//
// Files are written under a temporary name and renamed when whole. A file whose
// schema is not known is refused by name.
//
// The package must not know how load is made, how processes are started, or how
// a report looks.
package results
