package query

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// statementKind is what a statement counts as.
type statementKind uint8

const (
	kindGet statementKind = iota
	kindSelect
	kindInsert
	kindUpdate
	kindDelete
	kindCopy
	kindDDL
	kindTransaction
	kindOther
	kindOperation     // the first; they stand in the order of Operation
	numStatementKinds = kindOperation + statementKind(numOperations)
)

var statementKindNames = [numStatementKinds]string{
	"get", "select", "insert", "update", "delete", "copy", "ddl", "transaction", "other",
	"table get", "table insert", "table put", "table delete", "table scan", "append",
}

// Operation is what work without SQL counts as.
type Operation uint8

// The operations. NoOperation does not count.
const (
	OpGet Operation = iota
	OpInsert
	OpPut
	OpDelete
	OpScan
	OpAppend
	numOperations
	NoOperation = numOperations
)

// Began returns when an operation that begins now began, for Operated.
func (s *Session) Began() time.Duration { return s.e.elapsed() }

// Operated counts an operation that has ended, and its error unless it says that there is no such row.
func (s *Session) Operated(op Operation, began time.Duration, err error) {
	if op >= NoOperation {
		return
	}
	s.count(kindOperation+statementKind(op), began)
	if !errors.Is(err, table.ErrNotFound) {
		s.countError(err)
	}
}

// metricShards spreads the counters, so that sessions on different CPUs rarely write to the same cache line.
const metricShards = 4

// metrics counts what an engine does.
type metrics struct {
	shards [metricShards][numStatementKinds]table.Histogram
	errors [classes]atomic.Int64
}

// classes is the number of classes of SQLSTATE: two characters of 0-9, A-Z.
const classes = 36 * 36

func classDigit(c byte) int {
	if c >= 'A' {
		return min(int(c-'A'), 25) + 10
	}
	return min(max(int(c)-'0', 0), 9)
}

func className(i int) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	return string([]byte{digits[i/36], digits[i%36]})
}

// countError counts an error by its class, unless it is that of a part of a statement, which fails with it.
func (s *Session) countError(err error) {
	if err == nil || s.depth > 0 {
		return
	}
	code := sqlerr.CodeOf(err)
	if len(code) < 2 {
		code = sqlerr.InternalError
	}
	s.e.metrics.errors[classDigit(code[0])*36+classDigit(code[1])].Add(1)
}

// elapsed is the time since the engine was made.
func (e *Engine) elapsed() time.Duration {
	if e.ownClock {
		return e.o.Clock().Sub(e.born)
	}
	return time.Since(e.born) // reads one clock, where Clock reads two
}

// count counts a statement that began at a time since the engine was made, and has ended.
func (s *Session) count(kind statementKind, began time.Duration) {
	s.e.metrics.shards[s.id%metricShards][kind].Add(int64(s.e.elapsed() - began))
}

// ran counts what a statement did that began at a time; one that goes on is counted when it ends.
func (s *Session) ran(p *Prepared, r *Result, err error, start time.Time) {
	if s.depth > 0 {
		return // a part of another statement
	}
	began, kind := start.Sub(s.e.born), p.kind
	if kind == kindSelect && p.run.x != nil && p.run.q == p.q && p.run.x.Table() != nil {
		kind = kindGet
	}
	switch {
	case err != nil:
		s.countError(err)
	case !r.done && (r.query != nil || r.Copy != nil):
		r.onEnd = append(r.onEnd, func() { s.count(kind, began) })
		return
	}
	s.count(kind, began)
}

// kindOf tells what a statement counts as.
func kindOf(st ast.Stmt) statementKind {
	switch st.(type) {
	case *ast.Query:
		return kindSelect
	case *ast.Insert:
		return kindInsert
	case *ast.Update, *ast.Merge:
		return kindUpdate
	case *ast.Delete:
		return kindDelete
	case *ast.Copy:
		return kindCopy
	case *ast.Transaction, *ast.SetTransaction:
		return kindTransaction
	case *ast.Set, *ast.Show, *ast.Reset, *ast.Explain, *ast.Prepare, *ast.Execute, *ast.Deallocate, *ast.Checkpoint,
		*ast.Vacuum, *ast.LockTable, *ast.SetConstraints, *ast.Discard:
		return kindOther
	}
	return kindDDL
}

// Metrics returns the storage's metrics and what the engine has counted.
func (e *Engine) Metrics() table.Metrics {
	m := e.storage.Metrics()
	m.SpilledBytes = e.spilled.Load()
	for kind, name := range statementKindNames {
		s := table.StatementMetrics{Name: name}
		for i := range e.metrics.shards {
			e.metrics.shards[i][kind].AddTo(&s.Times)
		}
		m.Statements = append(m.Statements, s)
	}
	for i := range e.metrics.errors {
		if n := e.metrics.errors[i].Load(); n > 0 {
			m.Errors = append(m.Errors, table.ErrorMetrics{Class: className(i), Count: n})
		}
	}
	m.Memory = append(m.Memory, table.MemoryMetrics{
		Name: "queries", Bytes: e.mem.Used(), PeakBytes: e.mem.Peak(), LimitBytes: e.mem.Limit(),
	})
	return m
}
