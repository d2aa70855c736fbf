package tabletest

import (
	"errors"
	"fmt"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// readRules are about Reader: Get, Ref, GetBatch, Fetch.
var readRules = []rule{
	{"get", "", checkGet},
	{"get of a key that no row can have", "", checkImpossibleKeys},
	{"get batch", "", checkGetBatch},
	{"fetch", "", checkFetch},
	{"misuse of a reader", "", checkReaderMisuse},
	{"composite key", "", checkCompositeKey},
	{"table without key", "", checkKeyless},
	{"statistics", "", checkStats},
}

// reading runs work with a reader of a table, in a statement of a transaction of its own.
func (f *fixture) reading(id table.ObjectID, work func(r table.Reader)) {
	f.t.Helper()
	tx := f.begin(table.TxOptions{ReadOnly: true})
	f.must(f.statement(tx, func(st table.Statement) error {
		r, err := st.Reader(f.ctx, id)
		if err == nil {
			work(r)
		}
		return err
	}))
	f.rollback(tx)
}

func checkGet(f *fixture) {
	f.reading(f.filled(), func(r table.Reader) {
		row, err := r.Get(f.ctx, idOf(2), itemCols, nil)
		f.must(err)
		f.equal("row", textOf(r.Def(), row), "2|20|two")
		row, err = r.Get(f.ctx, idOf(3), []int{2, 1, 2}, idOf(99))
		f.must(err)
		if len(row) != 4 || row[0].I != 99 || row[1].S != "three" || !row[2].IsNull() || row[3].S != "three" {
			f.t.Errorf("columns 2, 1, 2 appended to 99: %v", row)
		}
		row, err = r.Get(f.ctx, idOf(1), nil, nil)
		if err != nil || len(row) != 0 {
			f.t.Errorf("no columns: %v, %v", row, err)
		}
		if _, err := r.Get(f.ctx, idOf(4), itemCols, nil); !errors.Is(err, table.ErrNotFound) {
			f.t.Errorf("an absent row: %v", err)
		}
		if _, err := r.Ref(f.ctx, idOf(4)); !errors.Is(err, table.ErrNotFound) {
			f.t.Errorf("reference of an absent row: %v", err)
		}
	})
}

// checkImpossibleKeys: NULL equals nothing, and values of a wider integer type may be out of range.
func checkImpossibleKeys(f *fixture) {
	d := items("t")
	d.Columns[0].Type = types.T(types.Int4)
	id := f.create(d)
	f.do(func(tx table.Tx) error {
		row := item(7, 1, "seven")
		row[0].K = types.Int4
		return f.insert(tx, id, row)
	})
	f.reading(id, func(r table.Reader) {
		if _, err := r.Get(f.ctx, types.Row{types.NullOf(types.Int4)}, nil, nil); !errors.Is(err, table.ErrNotFound) {
			f.t.Errorf("NULL: %v", err)
		}
		if _, err := r.Get(f.ctx, idOf(7+1<<32), nil, nil); !errors.Is(err, table.ErrNotFound) {
			f.t.Errorf("2^32+7: %v", err)
		}
		row, err := r.Get(f.ctx, idOf(7), itemCols, nil)
		f.must(err)
		f.equal("an int8 of value 7", textOf(r.Def(), row), "7|1|seven")
	})
}

func checkGetBatch(f *fixture) {
	id := f.filled()
	tx := f.begin(table.TxOptions{})
	f.must(f.insert(tx, id, item(4, 40, "four")))
	f.must(f.delete(tx, id, 2))
	f.must(f.statement(tx, func(st table.Statement) error {
		r, err := st.Reader(f.ctx, id)
		f.must(err)
		keys := []types.Row{idOf(4), idOf(9), idOf(1), idOf(2), {types.NullOf(types.Int8)}, idOf(1)}
		var b vec.Batch
		f.must(r.GetBatch(f.ctx, keys, []int{2}, &b))
		f.equal("columns v and position", vec.Format(&b), "four | 0\none | 2\none | 5\n")
		f.must(r.GetBatch(f.ctx, nil, []int{2}, &b))
		f.equal("rows of no keys", b.N, 0)
		if err := r.GetBatch(f.ctx, make([]types.Row, vec.Size+1), []int{2}, &b); err == nil {
			f.t.Error("more keys than a batch has rows are accepted")
		}
		return nil
	}))
	f.rollback(tx)
}

// checkFetch: references of committed and own rows, in any order, more than once.
func checkFetch(f *fixture) {
	id := f.filled()
	tx := f.begin(table.TxOptions{})
	f.must(f.insert(tx, id, item(4, 40, "four")))
	f.must(f.statement(tx, func(st table.Statement) error {
		refs, _, err := f.refs(st, id, 4, 1, 3, 4)
		f.must(err)
		r, err := st.Reader(f.ctx, id)
		f.must(err)
		var b vec.Batch
		f.must(r.Fetch(f.ctx, refs, []int{0, 2}, &b))
		f.equal("rows", vec.Format(&b), "4 | four\n1 | one\n3 | three\n4 | four\n")
		f.must(r.Fetch(f.ctx, refs[1:3], []int{1}, &b))
		f.equal("committed rows", vec.Format(&b), "10\n∅\n")
		f.must(r.Fetch(f.ctx, nil, itemCols, &b))
		f.equal("rows of no references", b.N, 0)
		if err := r.Fetch(f.ctx, make([]table.RowRef, vec.Size+1), itemCols, &b); err == nil {
			f.t.Error("more references than a batch has rows are accepted")
		}
		return nil
	}))
	f.rollback(tx)
}

func checkReaderMisuse(f *fixture) {
	f.reading(f.filled(), func(r table.Reader) {
		var b vec.Batch
		_, wrongCount := r.Get(f.ctx, append(idOf(1), idOf(2)...), itemCols, nil)
		_, wrongType := r.Get(f.ctx, textRow("x"), itemCols, nil)
		_, noColumn := r.Get(f.ctx, idOf(1), []int{3}, nil)
		_, scanColumn := r.Scan(f.ctx, table.ScanSpec{Cols: []int{-1}})
		_, scanWhere := r.Scan(f.ctx, table.ScanSpec{Where: []table.Conjunct{{Col: 9, Op: table.OpIsNull}}})
		_, scanRows := r.Scan(f.ctx, table.ScanSpec{VectorRows: vec.Size + 1})
		for i, err := range []error{wrongCount, wrongType, noColumn, scanColumn, scanWhere, scanRows,
			r.Fetch(f.ctx, nil, []int{7}, &b), r.GetBatch(f.ctx, []types.Row{idOf(1)}, []int{7}, &b)} {
			if err == nil || errors.Is(err, table.ErrNotFound) {
				f.t.Errorf("misuse %d: %v", i, err)
			}
		}
	})
}

func checkCompositeKey(f *fixture) {
	id := f.create(definition(0, Composite, ""))
	var all []types.Row
	for k := range int64(30) {
		all = append(all, rowOf(Composite, k, Row{V: k}))
	}
	f.do(func(tx table.Tx) error { return f.insert(tx, id, all...) })
	f.reading(id, func(r table.Reader) {
		for k := range int64(30) {
			row, err := r.Get(f.ctx, keyOf(Composite, k), allColumns(r.Def()), nil)
			f.must(err)
			f.equal("row", textOf(r.Def(), row), textOf(r.Def(), all[k]))
		}
		if _, err := r.Get(f.ctx, keyOf(Composite, 30), nil, nil); !errors.Is(err, table.ErrNotFound) {
			f.t.Errorf("an absent row: %v", err)
		}
	})
}

// checkKeyless: rows that are equal in everything are rows of their own.
func checkKeyless(f *fixture) {
	id := f.create(notes("n"))
	f.do(func(tx table.Tx) error { return f.insert(tx, id, item(1, 0, "a"), item(1, 0, "a"), item(0, 0, "")) })
	f.do(func(tx table.Tx) error {
		f.must(f.insert(tx, id, item(1, 0, "a")))
		return f.statement(tx, func(st table.Statement) error {
			all, err := f.read(st, id, table.ScanSpec{Refs: true, Where: []table.Conjunct{{Col: 2, Op: table.OpIsNotNull}}})
			f.must(err)
			w, err := st.Writer(f.ctx, id)
			f.must(err)
			_, err = w.Update(f.ctx, all.refs[:2], []int{2}, f.batch(w.Def(), []int{2}, textRow("b"), textRow("b")))
			return err
		})
	})
	f.equal("rows", f.committed(id), "0|∅|∅ 1|∅|a 1|∅|b 1|∅|b")
	f.reading(id, func(r table.Reader) {
		if _, err := r.Get(f.ctx, idOf(1), nil, nil); err == nil || errors.Is(err, table.ErrNotFound) {
			f.t.Errorf("get by primary key: %v", err)
		}
	})
}

func checkStats(f *fixture) {
	id := f.create(items("t"))
	f.do(func(tx table.Tx) error {
		var rows []types.Row
		for k := range int64(1000) {
			rows = append(rows, item(k, k+1, fmt.Sprint(k%10)))
		}
		return f.insert(tx, id, rows...)
	})
	f.reading(id, func(r table.Reader) {
		s, err := r.Stats(f.ctx)
		f.must(err)
		if s.Rows < 100 || s.Rows > 10_000 {
			f.t.Errorf("about %v rows are estimated, there are 1000", s.Rows)
		}
		if n := len(s.Columns); n != 0 && n != 3 {
			f.t.Errorf("estimates of %d columns", n)
		}
	})
}
