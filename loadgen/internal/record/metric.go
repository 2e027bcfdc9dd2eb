package record

import "signalbench/results"

// A Metric is one of the results package's metrics as a small number.
type Metric uint8

// The metrics.
const (
	Connect Metric = iota
	TLS
	Upgrade
	Dial
	FirstEcho
	Response
	Service
	Lag
	Probe
	metrics
)

var names = [metrics]string{
	Connect:   results.MetricConnect,
	TLS:       results.MetricTLS,
	Upgrade:   results.MetricUpgrade,
	Dial:      results.MetricDial,
	FirstEcho: results.MetricFirstEcho,
	Response:  results.MetricResponse,
	Service:   results.MetricService,
	Lag:       results.MetricLag,
	Probe:     results.MetricProbe,
}

// String gives the metric's name in results.
func (m Metric) String() string { return names[m] }
