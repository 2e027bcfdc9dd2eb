package digest

import "signalbench/results"

// Overloaded is what share of the shakes was answered with overload.
func Overloaded(p Part) Quantity {
	return phaseQuantity(p, "overload", "answered overload, of all shakes", Ratio, false, func(phase *results.Phase) (float64, bool) {
		if phase.Hongbao == nil || phase.Ops.Completed == 0 {
			return 0, false
		}
		return float64(phase.Hongbao.Overload) / float64(phase.Ops.Completed), true
	})
}

func hongbaoQuantities() []Quantity {
	p := HongbaoPart
	return []Quantity{
		Throughput(p),
		Quantile(p, results.MetricResponse, 0.5), Quantile(p, results.MetricResponse, 0.99), Quantile(p, results.MetricResponse, 0.999),
		Quantile(p, results.MetricGrab, 0.5), Quantile(p, results.MetricGrab, 0.99),
		Overloaded(p), ServerCPU(p), ClientCPU(p),
	}
}
