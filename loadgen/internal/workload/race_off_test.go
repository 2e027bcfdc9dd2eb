//go:build !race

package workload

// courses is how many random courses are run.
const courses = 12
