//go:build race

package workload

// courses is how many random courses are run: the race detector makes each slow.
const courses = 3
