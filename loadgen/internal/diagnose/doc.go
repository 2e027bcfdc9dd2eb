// Package diagnose says why connections stop coming: it reads what the kernel
// counted before dialling and after it, and names the counters that rose with the
// limit behind each and the command that raises it. What no counter shows it does
// not claim.
//
// It reads /proc and changes nothing, and must not know how load is made. What it
// reads is of this process's network namespace or of the whole machine, so that
// other programs count too.
package diagnose
