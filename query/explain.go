package query

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/laminadb/lamina/query/exec"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// explainAnalyze runs a query, drops its rows, and prints the plan with what happened in each operator.
func (s *Session) explainAnalyze(ctx context.Context, tx table.Tx, q *plan.Query, params []types.Datum) ([]string, error) {
	if len(q.Changes) > 0 {
		return nil, sqlerr.Unsupported("EXPLAIN ANALYZE of data changes in WITH")
	}
	if err := sameCount(len(q.Params), len(params)); err != nil {
		return nil, err
	}
	var reports []exec.OpReport
	began := time.Now()
	err := s.inStatement(ctx, tx, func(stmt table.Statement) error {
		ec := s.exprContext(params)
		env := s.env(q, stmt, ec)
		env.Analyze = true
		x, err := exec.Instantiate(ctx, q, env)
		if err != nil {
			return err
		}
		if q.Modify != nil {
			m := &modifier{s: s, m: q.Modify, root: q.Root, q: x, stmt: stmt, ctx: ec, scratch: &modifyScratch{}}
			err = m.run(ctx)
		} else {
			for err == nil {
				_, err = x.Next(ctx)
			}
			if err == io.EOF {
				err = nil
			}
		}
		reports = x.Report()
		if cerr := x.Close(); err == nil {
			err = cerr
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	took := time.Since(began)
	byID := map[int]exec.OpReport{}
	for _, r := range reports {
		byID[r.ID] = r
	}
	of := func(n plan.Node) (exec.OpReport, bool) {
		r, ok := byID[plan.ID(n)]
		return r, ok
	}
	text := plan.FormatQuery(q, plan.FormatOptions{Costs: true,
		Actual: func(n plan.Node) string {
			r, ok := of(n)
			if !ok {
				return ""
			}
			return fmt.Sprintf(" (actual rows=%d time=%.3f ms)", r.Rows, float64(r.Time)/1e6)
		},
		Details: func(n plan.Node) []string {
			r, ok := of(n)
			if !ok {
				return nil
			}
			out := r.Details
			if scan, ok := n.(*plan.Scan); ok {
				out = append([]string{"Tier: " + scan.Table.Method}, out...)
			}
			if r.MemoryBytes > 0 {
				out = append(out[:len(out):len(out)], fmt.Sprintf("Memory: %d kB", (r.MemoryBytes+1023)/1024))
			}
			return out
		},
	})
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return append(lines, fmt.Sprintf("Execution Time: %.3f ms", float64(took)/1e6)), nil
}
