package results_test

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"signalbench/results"
)

// A program writes one interval a second and the sum of all at the end; anybody
// can merge the intervals again and gets the same figures.
func ExampleCreate() {
	parent, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(parent)

	w, err := results.Create(filepath.Join(parent, "run"))
	if err != nil {
		panic(err)
	}
	defer w.Abort() //nolint:errcheck // does nothing after Finish

	second, total := results.NewHistogram(), results.NewHistogram()
	for s := range 3 {
		second.Reset()
		for i := range 1000 {
			second.Record(time.Duration(s*1000+i) * time.Microsecond)
		}
		total.Merge(second)
		if err := w.Interval("echo/window", results.MetricService, time.Duration(s)*time.Second, time.Second, second); err != nil {
			panic(err)
		}
	}
	file := results.HlogFile("echo/window", results.MetricService)
	run := &results.Run{ID: "example", Phases: []results.Phase{{
		Name: "echo/window", Metrics: []results.Metric{total.Metric(results.MetricService, file)},
	}}}
	if err := w.Finish(run); err != nil {
		panic(err)
	}

	h, err := results.OpenHistogram(w.Dir(), file)
	if err != nil {
		panic(err)
	}
	fmt.Println(h.Metric(results.MetricService, file) == run.Phases[0].Metrics[0])
	fmt.Println(h)
	// Output:
	// true
	// n=2999 p50=1.500159ms p99=2.969599ms max=3.000319ms below=1 above=0
}
