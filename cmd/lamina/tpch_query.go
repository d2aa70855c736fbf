package main

import (
	"context"
	"time"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/internal/cli/tpchload"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/tpch"
)

// What became of a query.
const (
	statusCorrect  = "correct"
	statusWrong    = "WRONG"
	statusFailed   = "FAILED"
	statusNoAnswer = "no answer"
)

// queryReport is what became of all runs of one query.
type queryReport struct {
	Query int `json:"query"`
	// Rows of the result.
	Rows int `json:"rows"`
	// Milliseconds of each run, all rows fetched as text.
	Millis []float64 `json:"milliseconds"`
	Status string    `json:"status"`
	// Why the status is not correct.
	Reason   string `json:"reason,omitempty"`
	SQLState string `json:"sqlstate,omitempty"`
}

// run runs the query once more. The worst status of all runs stays.
func (r *queryReport) run(ctx context.Context, q lamina.Querier, sf float64) {
	start := time.Now()
	result, err := tpchload.Fetch(ctx, q, tpch.Query(r.Query))
	took := time.Since(start)
	if err != nil {
		r.Status, r.Reason, r.SQLState = statusFailed, err.Error(), string(sqlerr.CodeOf(err))
		return
	}
	r.Rows = len(result.Rows)
	r.Millis = append(r.Millis, float64(took.Microseconds())/1e3)
	switch _, known := tpch.Answer(sf, r.Query); {
	case r.Status == statusWrong:
	case !known:
		r.Status = statusNoAnswer
	default:
		r.Status = statusCorrect
		if err := tpch.Compare(sf, r.Query, result); err != nil {
			r.Status, r.Reason = statusWrong, err.Error()
		}
	}
}

// first returns the milliseconds of the first run, best of the fastest; zero without a run.
func (r *queryReport) first() float64 {
	if len(r.Millis) == 0 {
		return 0
	}
	return r.Millis[0]
}

func (r *queryReport) best() float64 {
	best := r.first()
	for _, ms := range r.Millis {
		best = min(best, ms)
	}
	return best
}
