// Package format writes figures for readers: three significant digits where
// they carry, thousands apart, units beside. A value that is not known is
// [Unknown].
package format

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Unknown stands for a value that was not measured.
const Unknown = "–"

// Duration writes d with three significant digits: "183 µs", "1.42 ms".
func Duration(d time.Duration) string {
	switch abs := d.Abs(); {
	case d == 0:
		return "0"
	case abs < time.Microsecond:
		return strconv.FormatInt(int64(d), 10) + " ns"
	case significant(abs.Seconds()*1e6) < 1000:
		return digits(d.Seconds()*1e6) + " µs"
	case significant(abs.Seconds()*1e3) < 1000:
		return digits(d.Seconds()*1e3) + " ms"
	default:
		return digits(d.Seconds()) + " s"
	}
}

// Whole writes v rounded to an integer with thousands apart: "17,180".
func Whole(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return Unknown
	}
	s := strconv.FormatFloat(math.Abs(math.Round(v)), 'f', 0, 64)
	var b strings.Builder
	if math.Round(v) < 0 {
		b.WriteByte('-')
	}
	for i, r := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Count writes how many of something one connection has: "1.00", "0.00".
func Count(v float64) string {
	s := strconv.FormatFloat(v, 'f', 2, 64)
	if s == "-0.00" {
		return "0.00"
	}
	return s
}

// Bytes writes a size: "640 B", "4.15 KiB", "1.50 GiB".
func Bytes(v float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for ; math.Round(math.Abs(v)) >= 1024 && i < len(units)-1; i++ {
		v /= 1024
	}
	if i == 0 {
		return Whole(v) + " B"
	}
	return digits(v) + " " + units[i]
}

// Percent writes a share of 1 with up to three digits: "12.5 %", "5 %".
func Percent(v float64) string { return strconv.FormatFloat(100*v, 'g', 3, 64) + " %" }

// Part writes a part of a whole as a fraction of one: "1/20", "1/3.75"; from 1 on as
// a number, "1", "1.40".
func Part(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0) || v <= 0:
		return Unknown
	case v < 1 && bare(1/v) != "1":
		return "1/" + bare(1/v)
	}
	return bare(v)
}

// Factor writes a ratio with three digits: "20", "3.75", "0.12".
func Factor(v float64) string { return bare(v) }

// bare is digits without zeros that say nothing.
func bare(v float64) string {
	s := digits(v)
	if strings.Contains(s, ".") {
		s = strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// significant rounds v to three significant digits.
func significant(v float64) float64 {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return v
	}
	scale := math.Pow(10, 2-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*scale) / scale
}

// digits writes v with three significant digits and no exponent; a longer
// integer is kept whole.
func digits(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return Unknown
	}
	r := significant(v)
	switch abs := math.Abs(r); {
	case abs >= 100:
		return Whole(v)
	case abs >= 10:
		return strconv.FormatFloat(r, 'f', 1, 64)
	case abs == 0:
		return "0"
	default:
		return strconv.FormatFloat(r, 'f', 2, 64)
	}
}
