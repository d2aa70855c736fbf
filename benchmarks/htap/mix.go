package htap

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/laminadb/lamina/benchmarks/machine"
	"github.com/laminadb/lamina/internal/cli/tpchload"
	"github.com/laminadb/lamina/tpch"
)

// Transactions are small durable ones: each changes one order, which the queries of the stream read, by its key.
type Transactions struct {
	Count    int
	Seconds  float64
	P50, P99 time.Duration
	all      []time.Duration // how long each took
}

// Rate returns how many there were a second.
func (t *Transactions) Rate() float64 { return float64(t.Count) / t.Seconds }

// Stream is queries one after the other.
type Stream struct {
	Count   int
	Seconds float64
	// Processor is the time of all cores that each query has used, in seconds; it is measured of the stream alone.
	Processor float64
	used      machine.Stopwatch
}

// Rate returns how many there were a second.
func (s *Stream) Rate() float64 { return float64(s.Count) / s.Seconds }

// StreamShare returns the part of all processors that the stream had beside the transactions.
func (r *Result) StreamShare() float64 {
	return min(r.StreamBeside.Rate()*r.Stream.Processor/float64(runtime.GOMAXPROCS(0)), 0.95)
}

// Kept returns the rate of transactions beside the stream over what the stream's share of the processors leaves of their own rate.
func (r *Result) Kept() float64 { return r.Beside.Rate() / (r.Alone.Rate() * (1 - r.StreamShare())) }

// mixRounds is how often transactions, the stream and both take turns: a machine is not always as fast, nor its disk.
const mixRounds = 5

// mix measures transactions alone, the stream alone, and both at once.
func (b *bench) mix(ctx context.Context) error {
	for range mixRounds {
		b.o.Progress("HTAP: transactions")
		if err := b.phase(ctx, &b.r.Alone, nil); err != nil {
			return err
		}
		b.o.Progress("HTAP: a stream of queries")
		if err := b.phase(ctx, nil, &b.r.Stream); err != nil {
			return err
		}
		b.o.Progress("HTAP: both")
		if err := b.phase(ctx, &b.r.Beside, &b.r.StreamBeside); err != nil {
			return err
		}
	}
	for _, t := range []*Transactions{&b.r.Alone, &b.r.Beside} {
		if t.Count == 0 {
			return errors.New("htap: no transaction has ended")
		}
		slices.Sort(t.all)
		t.P50, t.P99 = t.all[t.Count/2], t.all[t.Count*99/100]
	}
	return nil
}

// phase runs what is not nil for a round, and adds what it did.
func (b *bench) phase(ctx context.Context, t *Transactions, s *Stream) error {
	ctx, cancel := context.WithTimeout(ctx, b.o.Time/mixRounds)
	defer cancel()
	var clients, all sync.WaitGroup
	latencies := make([][]time.Duration, b.o.Clients)
	errs := make([]error, b.o.Clients+1)
	start := time.Now()
	if t != nil {
		for i := range latencies {
			clients.Go(func() { latencies[i], errs[i] = b.client(ctx, i) })
		}
	}
	if s != nil {
		all.Go(func() { errs[b.o.Clients] = s.used.Time(func() error { return b.stream(ctx, s) }) })
	}
	clients.Wait()
	took := time.Since(start) // the last query may take longer
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if t != nil {
		t.all = append(t.all, slices.Concat(latencies...)...)
		t.Count, t.Seconds = len(t.all), t.Seconds+took.Seconds()
	}
	if s != nil {
		s.Seconds, s.Processor = s.used.Wall.Seconds(), s.used.Processor.Seconds()/float64(s.Count)
	}
	return nil
}

// client changes orders that no other one changes.
func (b *bench) client(ctx context.Context, i int) (latencies []time.Duration, err error) {
	whole := context.WithoutCancel(ctx) // a transaction is not interrupted, and there is one however short the round
	st, err := b.db.Prepare(whole, "UPDATE orders SET o_shippriority = 0 WHERE o_orderkey = $1")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	orders := b.g.Rows(tpch.Orders)
	for n := int64(i); len(latencies) == 0 || ctx.Err() == nil; n += 7919 * int64(b.o.Clients) {
		at := n % (orders - orders%int64(b.o.Clients))
		start := time.Now()
		r, err := st.Exec(whole, (at+1)/8*32+(at+1)%8)
		if err == nil && r.RowsAffected != 1 {
			err = fmt.Errorf("%d rows", r.RowsAffected)
		}
		if err != nil {
			return latencies, fmt.Errorf("htap, order %d: %w", at, err)
		}
		latencies = append(latencies, time.Since(start))
	}
	return latencies, nil
}

// stream goes on with all queries in turns; their answers are those of the rows at rest.
func (b *bench) stream(ctx context.Context, s *Stream) error {
	for first := s.Count; s.Count == first || ctx.Err() == nil; {
		q := s.Count%tpch.NumQueries + 1
		result, err := tpchload.Fetch(context.WithoutCancel(ctx), b.db, tpch.Query(q))
		if _, known := tpch.Answer(b.o.ScaleFactor, q); known && err == nil {
			err = tpch.Compare(b.o.ScaleFactor, q, result)
		}
		if err != nil {
			return fmt.Errorf("htap, Q%d of the stream: %w", q, err)
		}
		s.Count++
	}
	return nil
}
