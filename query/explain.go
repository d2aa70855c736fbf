package query

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/exec"
	"github.com/laminadb/lamina/query/opt"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// runExplain prints a plan, and with ANALYZE runs it.
func (s *Session) runExplain(ctx context.Context, b *ast.Explain, params []types.Datum) (*Result, error) {
	o, err := explainOptions(b)
	if err != nil {
		return nil, err
	}
	switch b.Query.(type) {
	case *ast.Query, *ast.Insert, *ast.Update, *ast.Delete, *ast.Merge:
	default:
		return nil, sqlerr.Unsupported("EXPLAIN of this statement")
	}
	var fired firedRules
	var trace ruleTrace
	if o.rules {
		trace = fired.add
	}
	began := time.Now()
	q, err := s.planQuery(ctx, true, b.Query, typesOf(params), trace)
	if err != nil {
		return nil, err
	}
	planning := time.Since(began)
	tx, err := s.storageTx(ctx)
	if err != nil {
		return nil, err
	}
	format, times := plan.FormatOptions{Costs: o.costs, Verbose: o.verbose, Timing: o.timing}, plan.Times{}
	if o.summary {
		times.Planning = &planning
	}
	if o.analyze {
		reports, took, err := s.explainAnalyze(ctx, tx, q, params)
		if err != nil {
			return nil, err
		}
		format.Actual = actualOf(reports)
		if o.summary {
			times.Execution = &took
		}
	}
	return s.explained(q, o, format, times, fired.all())
}

// firedRules are the lines of EXPLAIN (RULES): how often each rule and step fired, then each time that one did, with the
// logical plan that it has put in the place of an operator, or that it is about.
type firedRules struct {
	lines [][]string
	count int
	times map[string]int
}

// firedRulesMax bounds what is shown: plans are as long as statements.
const firedRulesMax = 1000

func (f *firedRules) add(rule string, r plan.Rel) {
	if f.times == nil {
		f.times = map[string]int{}
	}
	f.times[rule]++
	if f.count++; f.count > firedRulesMax {
		return
	}
	f.lines = append(f.lines, []string{"Rule: " + rule})
	for line := range strings.SplitSeq(strings.TrimRight(plan.FormatRel(r), "\n"), "\n") {
		f.lines = append(f.lines, []string{"  " + line})
	}
}

// all returns the lines, and how many rules are not shown.
func (f *firedRules) all() [][]string {
	var out [][]string
	for _, name := range opt.RuleNames() {
		if n := f.times[name]; n > 0 {
			out = append(out, []string{fmt.Sprintf("Rule Fired: %s (times=%d)", name, n)})
		}
	}
	out = append(out, f.lines...)
	if f.count > firedRulesMax {
		out = append(out, []string{fmt.Sprintf("%d more rules", f.count-firedRulesMax)})
	}
	return out
}

// explained returns a plan as text, a row for each line, or as a JSON document in one row.
func (s *Session) explained(q *plan.Query, o explain, format plan.FormatOptions, times plan.Times, rules [][]string) (*Result, error) {
	if o.json {
		text, err := plan.FormatJSON(q, format, times)
		if err != nil {
			return nil, err
		}
		return s.textRows("EXPLAIN", []string{"QUERY PLAN"}, [][]string{{text}})
	}
	rows := rules
	for line := range strings.SplitSeq(strings.TrimRight(plan.FormatQuery(q, format), "\n"), "\n") {
		rows = append(rows, []string{line})
	}
	if times.Planning != nil {
		rows = append(rows, []string{fmt.Sprintf("Planning Time: %.3f ms", float64(*times.Planning)/1e6)})
	}
	if times.Execution != nil {
		rows = append(rows, []string{fmt.Sprintf("Execution Time: %.3f ms", float64(*times.Execution)/1e6)})
	}
	return s.textRows("EXPLAIN", []string{"QUERY PLAN"}, rows)
}

// actualOf returns what operators did.
func actualOf(reports []exec.OpReport) func(n plan.Node) (plan.Actual, bool) {
	byID := map[int]exec.OpReport{}
	for _, r := range reports {
		byID[r.ID] = r
	}
	return func(n plan.Node) (plan.Actual, bool) {
		r, ok := byID[plan.ID(n)]
		return plan.Actual{Rows: r.Rows, Time: r.Time, MemoryBytes: r.MemoryBytes, SpilledBytes: r.SpilledBytes, Partitions: r.Partitions, Facts: r.Details}, ok
	}
}

// explainAnalyze runs a query, drops its rows, and returns what happened in each operator, and how long all took.
func (s *Session) explainAnalyze(ctx context.Context, tx table.Tx, q *plan.Query, params []types.Datum) ([]exec.OpReport, time.Duration, error) {
	if len(q.Changes) > 0 {
		return nil, 0, sqlerr.Unsupported("EXPLAIN ANALYZE of data changes in WITH")
	}
	if err := sameCount(len(q.Params), len(params)); err != nil {
		return nil, 0, err
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
	return reports, time.Since(began), err
}
