package query

import (
	"context"
	"errors"
	"io"

	"github.com/laminadb/lamina/query/exec"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/vec"
)

// ScanTable returns columns of all rows of a table as a result, without SQL: as SELECT of these columns it reads one
// snapshot, in the session's transaction.
func (s *Session) ScanTable(ctx context.Context, find func(table.Schema) (*table.TableDef, []int, error)) (*Result, error) {
	if s.closedFlag {
		return nil, errSessionClosed
	}
	if s.tx.failed {
		return nil, errFailedTx
	}
	began := s.Began()
	run, stop, err := s.running(ctx, "")
	if err != nil {
		s.failed(err)
		return nil, err
	}
	r, err := s.openScan(run, find)
	if err != nil {
		if run.Err() != nil {
			err = s.cancelled(run, err)
		}
		stop()
		s.failed(err)
		s.Operated(OpScan, began, err)
		return nil, err
	}
	r.onEnd = append(r.onEnd, func() { s.Operated(OpScan, began, nil) }) // an error counts where it happens
	r.ctx, r.parent, r.cancel = run, ctx, stop
	s.results = append(s.results, r)
	return r, nil
}

func (s *Session) openScan(ctx context.Context, find func(table.Schema) (*table.TableDef, []int, error)) (*Result, error) {
	tx, err := s.storageTx(ctx)
	if err != nil {
		return nil, err
	}
	def, cols, err := find(tx.Schema())
	if err != nil {
		return nil, err
	}
	stmt, err := tx.Statement(ctx)
	if err != nil {
		return nil, err
	}
	s.tx.queries++
	r := &Result{s: s, verb: "SELECT", counts: true, stmt: stmt, Columns: []plan.OutColumn{}}
	reader, err := stmt.Reader(ctx, def.ID)
	if err != nil {
		return nil, stmt.Close(err)
	}
	scan, err := reader.Scan(ctx, table.ScanSpec{Cols: cols})
	if err != nil {
		return nil, stmt.Close(err)
	}
	r.query = &tableScan{scan: scan}
	for _, c := range cols {
		col := &def.Columns[c]
		r.Columns = append(r.Columns, plan.OutColumn{Name: col.Name, Type: col.Type, Table: def.ID, Attribute: c + 1})
	}
	return r, nil
}

// tableScan reads the morsels of a scan one after the other.
type tableScan struct {
	scan   table.Scan
	morsel table.Morsel
	batch  vec.Batch
}

// NextMade makes a result of the next batch.
func (t *tableScan) NextMade(ctx context.Context, m exec.Maker) (exec.Made, error) {
	return exec.MakeNext(ctx, t, m)
}

// Next returns the next batch, or io.EOF.
func (t *tableScan) Next(ctx context.Context) (*vec.Batch, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if t.morsel == nil {
			m, err := t.scan.NextMorsel(ctx)
			if err != nil {
				return nil, err
			}
			t.morsel = m
		}
		err := t.morsel.Read(ctx, &t.batch)
		if err == nil && t.batch.N > 0 {
			return &t.batch, nil
		}
		if err != nil {
			t.morsel.Close()
			t.morsel = nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
	}
}

// Close ends the scan.
func (t *tableScan) Close() error {
	if t.morsel != nil {
		t.morsel.Close()
		t.morsel = nil
	}
	return t.scan.Close()
}
