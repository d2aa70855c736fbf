package tabletest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// scanRules are about Scan and Morsel.
var scanRules = []rule{
	{"pushdown", "", checkPushdown},
	{"batches of a scan", "", checkScanBatches},
	{"morsels in several goroutines", "", checkMorsels},
	{"narrow", "", checkNarrow},
	{"narrow while others read", "", checkNarrowMeanwhile},
	{"a scan keeps its snapshot", "", checkScanSnapshot},
	{"rows stay while they are read", "", checkSleepingReader},
	{"end of a scan", "", checkScanEnd},
}

const manyRows = 3*vec.Size + 100

// many fills a table of items with rows 1 … manyRows, in the order of their ids.
func (f *fixture) many() table.ObjectID {
	f.t.Helper()
	id := f.create(items("t"))
	f.do(func(tx table.Tx) error {
		for from := int64(1); from <= manyRows; from += 1000 {
			if err := f.insert(tx, id, manyItems(from, min(from+999, manyRows))...); err != nil {
				return err
			}
		}
		return nil
	})
	return id
}

func manyItems(from, to int64) (rows []types.Row) {
	for k := from; k <= to; k++ {
		u := k
		if k%10 == 0 {
			u = 0
		}
		rows = append(rows, item(k, u, fmt.Sprintf("v%d", k%100)))
	}
	return rows
}

// conjuncts are conditions of each kind on each kind of column, NULL constants among them.
func conjuncts() (all []table.Conjunct) {
	text := func(s string) types.Datum { return types.NewString(types.Text, s) }
	for _, op := range []table.Op{table.OpEq, table.OpNe, table.OpLt, table.OpLe, table.OpGt, table.OpGe} {
		for _, n := range []int64{-5, 1, 2048, 2049, manyRows, 1 << 40} {
			all = append(all, table.Conjunct{Col: 0, Op: op, Value: types.NewInt(types.Int8, n)})
		}
		all = append(all,
			table.Conjunct{Col: 1, Op: op, Value: types.NewInt(types.Int4, 4000)},
			table.Conjunct{Col: 1, Op: op, Value: types.NullOf(types.Int4)},
			table.Conjunct{Col: 2, Op: op, Value: text("v5")})
	}
	in := []types.Datum{types.NewInt(types.Int4, 3), types.NullOf(types.Int4), types.NewInt(types.Int4, 6001)}
	return append(all,
		table.Conjunct{Col: 1, Op: table.OpIn, Values: in}, table.Conjunct{Col: 1, Op: table.OpIn},
		table.Conjunct{Col: 2, Op: table.OpIn, Values: []types.Datum{text("v7"), text("nothing")}},
		table.Conjunct{Col: 1, Op: table.OpIsNull}, table.Conjunct{Col: 1, Op: table.OpIsNotNull},
		table.Conjunct{Col: 2, Op: table.OpIsNull}, table.Conjunct{Col: 2, Op: table.OpIsNotNull},
		table.Conjunct{Col: 2, Op: table.OpPrefix, Value: text("v1")}, table.Conjunct{Col: 2, Op: table.OpPrefix, Value: text("")})
}

// checkPushdown: whatever a scan takes over, it leaves out no row that matches, and what it says it takes over exactly
// leaves nothing to the caller. Committed rows, own ones, and both.
func checkPushdown(f *fixture) {
	id := f.many()
	tx := f.begin(table.TxOptions{})
	want := manyItems(1, manyRows)
	for _, own := range []bool{false, true} {
		if own {
			f.must(f.insert(tx, id, item(9001, 9001, "v1"), item(9002, 0, "own")))
			f.must(f.delete(tx, id, 2048, 2049))
			want = slices.Delete(append(want, item(9001, 9001, "v1"), item(9002, 0, "own")), 2047, 2049)
		}
		list := conjuncts()
		for i := range list {
			where := []table.Conjunct{list[i]}
			if i%3 == 2 {
				where = append(where, list[i-1])
			}
			f.checkWhere(tx, id, where, want)
		}
	}
	f.rollback(tx)
}

func (f *fixture) checkWhere(tx table.Tx, id table.ObjectID, where []table.Conjunct, all []types.Row) {
	f.t.Helper()
	f.must(f.statement(tx, func(st table.Statement) error {
		got, err := f.read(st, id, table.ScanSpec{Where: where})
		if err != nil {
			return err
		}
		r, err := st.Reader(f.ctx, id)
		f.must(err)
		var want scanned
		for _, row := range all {
			if !slices.ContainsFunc(where, func(c table.Conjunct) bool { return !holds(row, &c) }) {
				want.rows = append(want.rows, textOf(r.Def(), row))
			}
		}
		if g, w := joinRows(got), joinRows(want); g != w {
			f.t.Errorf("%+v: %d rows, want %d", where, len(got.rows), len(want.rows))
		}
		return nil
	}))
}

// checkScanBatches: any size of batches, any columns, with references or without.
func checkScanBatches(f *fixture) {
	id := f.many()
	f.reading(id, func(r table.Reader) {
		for _, rows := range []int{0, 1, 3, 64, 1000, vec.Size} {
			got, err := scanAll(f.ctx, r, table.ScanSpec{VectorRows: rows, Refs: true})
			f.must(err)
			f.equal("rows", len(got.rows), manyRows)
			f.equal("references", len(got.refs), manyRows)
		}
		s, err := r.Scan(f.ctx, table.ScanSpec{Cols: []int{2, 0, 2}})
		f.must(err)
		m, err := s.NextMorsel(f.ctx)
		f.must(err)
		var b vec.Batch
		f.must(m.Read(f.ctx, &b))
		f.equal("columns 2, 0, 2", vec.Format(&b)[:len("v1 | 1 | v1\n")], "v1 | 1 | v1\n")
		m.Close()
		f.must(s.Close())
		s, err = r.Scan(f.ctx, table.ScanSpec{}) // counts, no columns
		f.must(err)
		n, err := countRows(f.ctx, s)
		f.must(err)
		f.equal("rows without columns", n, manyRows)
		if rep := s.Report(); rep.Morsels == 0 || rep.RowsRead < manyRows {
			f.t.Errorf("report %+v", rep)
		}
		f.must(s.Close())
	})
}

// countRows reads the rest of a scan in this goroutine.
func countRows(ctx context.Context, s table.Scan) (n int, err error) {
	var b vec.Batch
	for {
		m, err := s.NextMorsel(ctx)
		if isEOF(err) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		for err = m.Read(ctx, &b); err == nil; err = m.Read(ctx, &b) {
			n += b.N
		}
		m.Close()
		if !isEOF(err) {
			return n, err
		}
	}
}

// inParallel reads a scan in several goroutines and returns the first column of all rows, in order.
func (f *fixture) inParallel(s table.Scan, meanwhile func()) (ids []int64) {
	f.t.Helper()
	var mu sync.Mutex
	seqs := map[int]bool{}
	worker := func() error {
		for {
			m, err := s.NextMorsel(f.ctx)
			if isEOF(err) {
				return nil
			}
			if err != nil {
				return err
			}
			mine, err := firstColumn(f.ctx, m)
			mu.Lock()
			if seqs[m.Seq()] {
				err = fmt.Errorf("two morsels have the number %d", m.Seq())
			}
			seqs[m.Seq()] = true
			ids = append(ids, mine...)
			mu.Unlock()
			m.Close()
			if err != nil {
				return err
			}
		}
	}
	var all []<-chan error
	for range 4 {
		all = append(all, background(worker))
	}
	if meanwhile != nil {
		meanwhile()
	}
	for _, done := range all {
		f.must(<-done)
	}
	slices.Sort(ids)
	return ids
}

func firstColumn(ctx context.Context, m table.Morsel) (ids []int64, err error) {
	var b vec.Batch
	for err = m.Read(ctx, &b); err == nil; err = m.Read(ctx, &b) {
		for i := range b.N {
			ids = append(ids, b.BatchDatum(0, i).I)
		}
	}
	if isEOF(err) {
		err = nil
	}
	return ids, err
}

func numbers(from, to int64, keep func(int64) bool) (out []int64) {
	for k := from; k <= to; k++ {
		if keep == nil || keep(k) {
			out = append(out, k)
		}
	}
	return out
}

// checkMorsels: each row is read once, whoever reads it.
func checkMorsels(f *fixture) {
	id := f.many()
	tx := f.begin(table.TxOptions{})
	f.must(f.insert(tx, id, manyItems(manyRows+1, manyRows+500)...))
	for range 5 {
		f.must(f.statement(tx, func(st table.Statement) error {
			r, err := st.Reader(f.ctx, id)
			f.must(err)
			s, err := r.Scan(f.ctx, table.ScanSpec{Cols: []int{0}, VectorRows: 100})
			f.must(err)
			if ids := f.inParallel(s, nil); !slices.Equal(ids, numbers(1, manyRows+500, nil)) {
				f.t.Errorf("%d rows, want 1 to %d", len(ids), manyRows+500)
			}
			return s.Close()
		}))
	}
	f.rollback(tx)
}

// checkScanSnapshot: what is committed while a scan is read is not seen by it.
func checkScanSnapshot(f *fixture) {
	id := f.many()
	f.reading(id, func(r table.Reader) {
		s, err := r.Scan(f.ctx, table.ScanSpec{Cols: []int{0}})
		f.must(err)
		m, err := s.NextMorsel(f.ctx)
		f.must(err)
		f.do(func(tx table.Tx) error {
			f.must(f.delete(tx, id, numbers(1, 1000, nil)...))
			return f.insert(tx, id, manyItems(manyRows+1, manyRows+10)...)
		})
		f.do(func(tx table.Tx) error { return f.setV(tx, id, manyRows, "changed") })
		ids, err := firstColumn(f.ctx, m)
		f.must(err)
		m.Close()
		rest, err := countRows(f.ctx, s)
		f.must(err)
		f.equal("rows", len(ids)+rest, manyRows)
		f.must(s.Close())
		row, err := r.Get(f.ctx, idOf(manyRows), []int{2}, nil)
		f.must(err)
		if row[0].S == "changed" {
			f.t.Error("a row committed after the statement began is seen")
		}
	})
	f.equal("rows now", len(strings.Fields(f.committed(id))), manyRows-990)
}

// checkSleepingReader: rows that a statement has found stay what they are, however much is changed and cleaned up
// meanwhile.
func checkSleepingReader(f *fixture) {
	id := f.many()
	f.reading(id, func(r table.Reader) {
		all, err := scanAll(f.ctx, r, table.ScanSpec{Refs: true})
		f.must(err)
		for round := range 6 {
			for from := int64(1); from < manyRows; from += vec.Size {
				to := min(from+vec.Size, manyRows) - 1
				f.do(func(tx table.Tx) error { return f.delete(tx, id, numbers(from, to, nil)...) })
				f.do(func(tx table.Tx) error { return f.insert(tx, id, manyItems(from, to)...) })
			}
			if round%2 == 0 && f.s.Features().Durable {
				f.must(f.s.Checkpoint(f.ctx))
			}
		}
		for range 200 { // views come and go, and garbage is looked for
			f.do(func(tx table.Tx) error { return f.setV(tx, id, manyRows, "x") })
		}
		again, err := scanAll(f.ctx, r, table.ScanSpec{Refs: true})
		f.must(err)
		if !slices.Equal(again.rows, all.rows) || !slices.Equal(again.refs, all.refs) {
			f.t.Errorf("a statement sees %d rows, then %d others", len(all.rows), len(again.rows))
		}
		var b vec.Batch
		f.must(r.Fetch(f.ctx, all.refs[:vec.Size], itemCols, &b))
		for i := range b.N {
			if text := textOf(r.Def(), b.Row(i, nil)); text != all.rows[i] {
				f.t.Fatalf("row %s has become %s", all.rows[i], text)
			}
		}
		row, err := r.Get(f.ctx, idOf(17), itemCols, nil)
		f.must(err)
		f.equal("row 17", textOf(r.Def(), row), "17|17|v17")
	})
}

func checkScanEnd(f *fixture) {
	id := f.filled()
	tx := f.begin(table.TxOptions{})
	f.must(f.insert(tx, id, item(4, 4, "four")))
	f.must(f.statement(tx, func(st table.Statement) error {
		r, err := st.Reader(f.ctx, id)
		f.must(err)
		s, err := r.Scan(f.ctx, table.ScanSpec{Cols: []int{0}})
		f.must(err)
		n, err := countRows(f.ctx, s)
		f.must(err)
		f.equal("rows", n, 4)
		if _, err := s.NextMorsel(f.ctx); !isEOF(err) {
			f.t.Errorf("after the last morsel: %v", err)
		}
		f.must(s.Close())
		if _, err := s.NextMorsel(f.ctx); err == nil {
			f.t.Error("a closed scan has a morsel")
		}
		s, err = r.Scan(f.ctx, table.ScanSpec{Cols: []int{0}})
		f.must(err)
		ctx, cancel := context.WithCancel(f.ctx)
		cancel()
		_, err = countRows(ctx, s)
		f.code(err, sqlerr.QueryCanceled)
		return s.Close()
	}))
	f.rollback(tx)
}
