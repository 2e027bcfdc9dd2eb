package figure

import (
	"math"
	"strconv"
	"time"

	"gonum.org/v1/plot"

	"signalbench/compare/internal/format"
)

// nines is how far a quantile is on a logarithmic percentile axis: each further
// nine is one step. 0.9 is 1, 0.99 is 2.
func nines(q float64) float64 { return -math.Log10(1 - q) }

// percentileScale is an axis of quantiles on which every further nine takes the
// same room.
type percentileScale struct{}

// Normalize implements plot.Normalizer.
func (percentileScale) Normalize(min, max, q float64) float64 {
	return (nines(q) - nines(min)) / (nines(max) - nines(min))
}

// Ticks implements plot.Ticker.
func (percentileScale) Ticks(min, max float64) []plot.Tick {
	var ticks []plot.Tick
	for _, q := range []float64{0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999, 0.9999999} {
		if q >= min && q <= max {
			ticks = append(ticks, plot.Tick{Value: q, Label: strconv.FormatFloat(100*q, 'g', 12, 64) + " %"})
		}
	}
	return ticks
}

// timeScale is a logarithmic axis of durations in nanoseconds.
type timeScale struct{ plot.LogScale }

// Ticks implements plot.Ticker: a label for each decade, and for 2 and 5 of one
// if there are few.
func (timeScale) Ticks(min, max float64) []plot.Tick {
	few := math.Log10(max/min) < 2.2
	var ticks []plot.Tick
	for decade := math.Pow(10, math.Floor(math.Log10(min))); decade <= max; decade *= 10 {
		for m := 1.0; m < 10; m++ {
			v := decade * m
			if v < min*0.999 || v > max*1.001 {
				continue
			}
			label := ""
			if m == 1 || few && (m == 2 || m == 5) {
				label = tickDuration(time.Duration(math.Round(v)))
			}
			ticks = append(ticks, plot.Tick{Value: v, Label: label})
		}
	}
	return ticks
}

// tickDuration writes a round duration without digits that say nothing.
func tickDuration(d time.Duration) string {
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{time.Second, " s"}, {time.Millisecond, " ms"}, {time.Microsecond, " µs"}} {
		if d >= u.unit {
			return strconv.FormatFloat(float64(d)/float64(u.unit), 'g', 3, 64) + u.name
		}
	}
	return strconv.FormatInt(int64(d), 10) + " ns"
}

// wholeTicks labels a linear axis from zero with thousands apart.
type wholeTicks struct{}

// Ticks implements plot.Ticker.
func (wholeTicks) Ticks(min, max float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(min, max)
	for i := range ticks {
		if ticks[i].Label != "" {
			ticks[i].Label = format.Whole(ticks[i].Value)
		}
	}
	return ticks
}

// timeRange returns round bounds around positive values, at least half a decade
// apart.
func timeRange(low, high float64) (float64, float64) {
	round := func(v float64, up bool) float64 {
		decade := math.Pow(10, math.Floor(math.Log10(v)))
		steps := []float64{1, 2, 5, 10}
		if up {
			for _, s := range steps {
				if decade*s >= v*0.9999 {
					return decade * s
				}
			}
		}
		for i := len(steps) - 1; i >= 0; i-- {
			if decade*steps[i] <= v*1.0001 {
				return decade * steps[i]
			}
		}
		return decade
	}
	low, high = round(low, false), round(high, true)
	if high/low < 3 {
		high = low * 5
	}
	return low, high
}
