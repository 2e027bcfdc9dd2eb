package results

import "time"

// HeldWindow is how many upgrades a [Held] is made of at least: a p99 of them has
// a hundred above it.
const HeldWindow = 10_000

// A Held is what upgrades took while about as many connections were held.
type Held struct {
	From, To  uint64        // connections held at its begin and end
	Length    time.Duration // of the ramp
	Histogram *Histogram
}

// PerSecond is the rate of upgrades.
func (h *Held) PerSecond() float64 {
	if h.Length <= 0 {
		return 0
	}
	return float64(h.To-h.From) / h.Length.Seconds()
}

// ByHeld tells how a time of the ramp went with the number of connections held:
// over the first [HeldWindow] that came, and over as many before each of steps
// equal parts of all, such as plateaus, was reached. As intervals are whole, a
// Held is of a few more. It is nil where there are too few to compare two.
func ByHeld(ramp []Interval, steps int) []Held {
	ends := make([]uint64, len(ramp)) // connections held at the end of each
	var total uint64
	for i, iv := range ramp {
		total += upgrades(iv)
		ends[i] = total
	}
	if total < 2*HeldWindow {
		return nil
	}
	// before merges as many intervals up to number i as it takes.
	before := func(i int) Held {
		h := Held{From: ends[i], To: ends[i], Histogram: NewHistogram()}
		for ; i >= 0 && h.To-h.From < HeldWindow; i-- {
			h.From -= upgrades(ramp[i])
			h.Length += ramp[i].Length
			h.Histogram.Merge(ramp[i].Histogram)
		}
		return h
	}
	var list []Held
	reach := func(n uint64) {
		i := 0
		for ends[i] < n {
			i++
		}
		if h := before(i); len(list) == 0 || h.From >= list[len(list)-1].To {
			list = append(list, h)
		}
	}
	reach(HeldWindow)
	for k := 1; k <= steps; k++ {
		reach(max(HeldWindow, total*uint64(k)/uint64(steps)))
	}
	if len(list) < 2 {
		return nil
	}
	return list
}

func upgrades(iv Interval) uint64 {
	return iv.Histogram.Count() + iv.Histogram.Below() + iv.Histogram.Above()
}
