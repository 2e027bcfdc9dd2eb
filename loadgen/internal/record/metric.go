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
	Join
	Relay
	Answer
	Presence
	Delivery
	First
	Median
	P99
	Recovery
	Grab
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
	Join:      results.MetricJoin,
	Relay:     results.MetricRelay,
	Answer:    results.MetricAnswer,
	Presence:  results.MetricPresence,
	Delivery:  results.MetricDelivery,
	First:     results.MetricFirst,
	Median:    results.MetricMedian,
	P99:       results.MetricP99,
	Recovery:  results.MetricRecovery,
	Grab:      results.MetricGrab,
}

// String gives the metric's name in results.
func (m Metric) String() string { return names[m] }
