package trial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"signalbench/loadgen/internal/adminapi"
	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/workload"
	"signalbench/results"
	"signalbench/server/hongbao/packet"
)

// envelopes reports whether connections are users that shake for red envelopes: they
// log in after their upgrade.
func (p *Plan) envelopes() bool { return slices.Contains(p.Workloads, Hongbao) }

// checkHongbao says in one sentence why workload hongbao cannot be done.
func (p *Plan) checkHongbao() error {
	if !p.envelopes() {
		return nil
	}
	switch {
	case p.Proto != nil:
		return errors.New("workload hongbao has packets of its own and no --proto")
	case p.FirstEcho:
		return errors.New("workload hongbao needs a server of red envelopes, which echoes nothing: leave --first-echo out")
	case p.Probe > 0:
		return errors.New("workload hongbao needs a server of red envelopes, which echoes nothing: leave --probe out")
	case p.Rate <= 0:
		return errors.New("workload hongbao needs --rate, the shakes per second, for example --rate 3000/s")
	}
	for _, w := range p.Workloads {
		if w == Echo || w == EchoClosed {
			return fmt.Errorf("workloads hongbao and %s in one run: a server of red envelopes echoes nothing; run them apart", w)
		}
	}
	return nil
}

// shaken are the metrics of shakes.
func shaken() []record.Metric {
	return []record.Metric{record.Response, record.Service, record.Lag, record.Grab}
}

// today is the time that packets say: seconds since 1970.
func today() uint64 { return uint64(time.Now().Unix()) }

// login logs in as a user.
func login(conn net.Conn) error {
	out := packet.Packet{Type: packet.Login, Time: today()}
	if _, err := conn.Write(frame.Append(nil, frame.Binary, randomKey(), nil, out.Append(nil))); err != nil {
		return fmt.Errorf("cannot send a login: %w", err)
	}
	var in []byte
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		in = append(in, buf[:n]...)
		h, size, bad := frame.Parse(in)
		switch whole := size > 0 && uint64(len(in)-size) >= h.Length; {
		case bad != nil:
			return fmt.Errorf("logging in: the server breaks the protocol: %w", bad)
		case whole && h.Opcode == frame.Close:
			return fmt.Errorf("the server closed the connection when a user logged in: %s", closeReason(in[size:size+int(h.Length)]))
		case whole:
			var ack packet.Packet
			if err := ack.Decode(in[size : size+int(h.Length)]); err != nil || ack.Type != packet.Ack {
				return errors.New("the answer to a login is no ack: workload hongbao is for a server of red envelopes, ours has it at /hongbao")
			}
			if ack.Result != packet.Welcome {
				return errors.New("the server refuses a login of user 0")
			}
			return nil
		case errors.Is(err, io.EOF):
			return errors.New("the server ended the connection when a user logged in: does it have red envelopes there?")
		case err != nil:
			return fmt.Errorf("cannot read the answer to a login: %w", err)
		case len(in) > 1<<16:
			return errors.New("the answer to a login is longer than any packet")
		}
	}
}

// money is what the server says of its red envelopes; nil if it does not.
func (r *runner) money() *adminapi.Hongbao {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second) // also after an interrupt
	defer cancel()
	stats, err := r.sampler.Stats(ctx)
	if err != nil {
		r.find(results.Warning, results.CheckMoney, "", "what the server gave is not known: %v", err)
		return nil
	}
	if stats == nil {
		return nil
	}
	if stats.Service == nil {
		return nil
	}
	return stats.Service.Hongbao
}

// settleMoney puts the books of a load into its window.
func (p *phase) settleMoney(purse *workload.Purse, before, after *adminapi.Hongbao) {
	b := purse.Books()
	if before != nil && after != nil {
		given := func(h *adminapi.Hongbao) uint64 { return h.Shaken.Cents + h.Grabbed.Cents }
		b.Server = &results.HongbaoMoney{
			Entered: after.Entered.Cents - before.Entered.Cents, Given: given(after) - given(before), Returned: after.Returned.Cents - before.Returned.Cents,
			Before: before.Waiting.Cents, After: after.Waiting.Cents,
		}
	}
	p.Hongbao.Books = &b
}

// closeHongbao puts what was counted into a phase.
func (p *phase) closeHongbao() {
	if p.Hongbao == nil {
		return
	}
	books := p.Hongbao.Books
	*p.Hongbao = *p.total.Hongbao()
	p.Hongbao.Books = books
}
