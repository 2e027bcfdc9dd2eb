package results

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"
)

// A SeriesRow is one second of a run. What is not known is -1.
type SeriesRow struct {
	At        time.Duration // end of the second, since Run.Started
	Phase     string        // the phase at that moment
	Connected int64         // upgraded and open
	Pending   int64         // dials in progress
	Failed    int64         // dials and operations that failed so far
	Sent      float64       // messages per second
	Received  float64       // messages per second
	// P50 and P99 are of that second alone: response time in the open model,
	// service time in the closed one, dial time during the ramp. 0 if nothing
	// was measured.
	P50, P99  time.Duration
	LagP99    time.Duration // schedule lag
	ServerRSS int64         // bytes
	ClientRSS int64         // bytes
	ServerCPU float64       // cores busy
	ClientCPU float64       // cores busy
	TCPMem    int64         // pages charged to TCP, whole machine
}

// seriesColumns are the columns of series.csv, units in the names.
var seriesColumns = []string{
	"at_ns", "phase", "connected", "pending", "failed", "sent_per_s", "received_per_s",
	"p50_ns", "p99_ns", "lag_p99_ns", "server_rss_bytes", "client_rss_bytes",
	"server_cpu_cores", "client_cpu_cores", "tcp_mem_pages",
}

func (r *SeriesRow) record() []string {
	i := func(v int64) string { return strconv.FormatInt(v, 10) }
	f := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	return []string{
		i(int64(r.At)), r.Phase, i(r.Connected), i(r.Pending), i(r.Failed), f(r.Sent), f(r.Received),
		i(int64(r.P50)), i(int64(r.P99)), i(int64(r.LagP99)), i(r.ServerRSS), i(r.ClientRSS),
		f(r.ServerCPU), f(r.ClientCPU), i(r.TCPMem),
	}
}

// readSeries reads series.csv. Errors name the line.
func readSeries(r io.Reader) ([]SeriesRow, error) {
	c := csv.NewReader(r)
	c.FieldsPerRecord = len(seriesColumns)
	c.ReuseRecord = true
	head, err := c.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty: it has no header line")
	}
	if err != nil {
		return nil, err
	}
	if !slices.Equal(head, seriesColumns) {
		return nil, fmt.Errorf("line 1: columns %q, this build reads %q", head, seriesColumns)
	}
	var rows []SeriesRow
	for {
		rec, err := c.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		row, err := parseSeriesRow(rec)
		if err != nil {
			line, _ := c.FieldPos(0)
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		rows = append(rows, row)
	}
}

func parseSeriesRow(rec []string) (SeriesRow, error) {
	var errs []error
	i := func(n int) int64 {
		v, err := strconv.ParseInt(rec[n], 10, 64)
		if err != nil {
			errs = append(errs, fmt.Errorf("column %s: %w", seriesColumns[n], err))
		}
		return v
	}
	f := func(n int) float64 {
		v, err := strconv.ParseFloat(rec[n], 64)
		if err != nil {
			errs = append(errs, fmt.Errorf("column %s: %w", seriesColumns[n], err))
		}
		return v
	}
	row := SeriesRow{
		At: time.Duration(i(0)), Phase: rec[1], Connected: i(2), Pending: i(3), Failed: i(4), Sent: f(5), Received: f(6),
		P50: time.Duration(i(7)), P99: time.Duration(i(8)), LagP99: time.Duration(i(9)), ServerRSS: i(10), ClientRSS: i(11),
		ServerCPU: f(12), ClientCPU: f(13), TCPMem: i(14),
	}
	return row, errors.Join(errs...)
}
