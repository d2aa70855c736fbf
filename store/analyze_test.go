package store

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/wal/waltest"
)

// TestAnalyzeKeepsColumns: an analysis of some columns leaves what was found of the others; one of a table that has changed much is not
// used, and those of tables that are gone are forgotten.
func TestAnalyzeKeepsColumns(t *testing.T) {
	fs := waltest.NewCrashFS()
	s := open(t, fs)
	def := pairs("t")
	def.Method = "lsm"
	id := create(t, s, def)
	tx := begin(t, s, table.TxOptions{})
	var rows []types.Row
	for i := range int64(3000) {
		rows = append(rows, row(i+1, i%3*(i+1), fmt.Sprint("v", i%40)))
	}
	must(0, insertRows(t, tx, id, rows[:2000]...))(t)
	must(0, insertRows(t, tx, id, rows[2000:]...))(t)
	commitTx(t, tx)
	analyze := func(cols ...uint32) {
		t.Helper()
		must(0, s.Analyze(context.Background(), []table.AnalyzeTarget{{Table: id, Columns: cols}}))(t)
	}
	analyze(2)
	if a := s.analyses.of(id); len(a.columns) != 1 || a.columns[0].stats.NullFraction != 1.0/3 {
		t.Errorf("of one column: %+v", a.columns)
	}
	analyze(3, 1)
	if a := s.analyses.of(id); len(a.columns) != 3 || a.rows != 3000 || math.Abs(a.columns[2].stats.Distinct-40) > 2 {
		t.Errorf("of the others: %+v", a.columns)
	}
	st := table.Stats{Rows: 3100}
	s.analyses.of(id).refine(defined(t, s, id), &st)
	if st.NumColumns() != 3 || st.Column(0).Distinct < 2900 || st.Column(2).Shape() == nil {
		t.Errorf("3,100 rows: %+v", st.Columns)
	}
	st = table.Stats{Rows: 4000}
	s.analyses.of(id).refine(defined(t, s, id), &st)
	if st.NumColumns() != 0 {
		t.Errorf("4,000 rows: %+v", st.Columns)
	}
	must(0, s.Close())(t)
	s = open(t, fs)
	if a := s.analyses.of(id); a == nil || len(a.columns) != 3 || len(a.columns[2].stats.Shape().Common) != 40 {
		t.Errorf("opened again: %+v", a)
	}
	tx = begin(t, s, table.TxOptions{})
	must(0, tx.Schema().Drop(context.Background(), id))(t)
	commitTx(t, tx)
	if s.analyses.of(id) != nil {
		t.Error("the table is gone, but not what was found of it")
	}
	must(0, s.Analyze(context.Background(), nil))(t)
	if all := must(s.readAnalyses())(t); len(all) != 0 {
		t.Errorf("the file has %d tables", len(all))
	}
	must(0, s.Close())(t)
}

func defined(t *testing.T, s *Store, id table.ObjectID) *table.TableDef {
	t.Helper()
	return must(s.existing(id))(t)
}
