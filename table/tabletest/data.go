package tabletest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// data runs a step that reads or writes rows, as a statement of its own.
func (r *runner) data(o *op, p *pair) error {
	if p.m.Stale(o.Slot) {
		return errNotApplicable
	}
	see := p.m.See(o.Slot)
	obj := p.tx.Schema().LookupRelation(table.PublicSchema, tableName(o.Slot))
	if (see == nil) != (obj == nil) {
		return fmt.Errorf("table: %v in the model, %v in the storage", see, obj)
	}
	if see == nil {
		return errNotApplicable
	}
	id := obj.Head().ID
	if o.Kind == opGet || o.Kind == opScan {
		if code := p.m.LockTable(o.Slot, see.Gen, table.AccessShare); code != "" {
			return r.refused(o, p, func(st table.Statement) error { _, err := st.Reader(r.ctx, id); return err })
		}
		return r.statement(p, func(st table.Statement) error { return r.read(o, st, id, see) })
	}
	if p.async() != o.Async && o.Kind == opInsert && o.N == 3 {
		return errNotApplicable // varies the density of writes
	}
	switch o.Kind {
	case opTruncate:
		return r.truncate(o, p, id)
	case opLock:
		return r.lockRows(o, p, id, see)
	}
	set, fresh := r.changes(o, p, see)
	if len(set) == 0 {
		return errNotApplicable
	}
	return r.write(o, p, id, see, set, fresh)
}

// async is where the options of a transaction would be asked; commits are drawn on their own.
func (p *pair) async() bool { return false }

func (r *runner) statement(p *pair, f func(table.Statement) error) error {
	st, err := p.tx.Statement(r.ctx)
	if err != nil {
		return err
	}
	return st.Close(f(st))
}

// refused runs a statement that must fail because a lock is not free.
func (r *runner) refused(o *op, p *pair, f func(table.Statement) error) error {
	r.n.Blocked++
	if err := wantCode(r.statement(p, f), sqlerr.LockNotAvailable); err != nil {
		return err
	}
	return r.failed(o, p)
}

// changes returns the rows that a step writes, given what the transaction sees.
func (r *runner) changes(o *op, p *pair, see *Table) (set map[int64]*Row, fresh map[int64]bool) {
	set, fresh = map[int64]*Row{}, map[int64]bool{}
	for i, k := range o.Keys {
		row := Row{U: o.U, V: o.V + int64(i)}
		if o.Spread && row.U != 0 {
			row.U += int64(i)
		}
		old, there := see.Rows[k]
		switch o.Kind {
		case opInsert, opLoad:
			if there && (see.Shape == Keyless || p.m.iso != table.ReadCommitted) {
				continue // the model knows rows by their keys; under a snapshot both rows would show
			}
			set[k], fresh[k] = &row, true
		case opUpdate:
			if there {
				set[k] = &row
			}
		case opRekey:
			if there && see.Shape != Keyless {
				set[k] = nil
				to := k + 1
				moved := old
				moved.V = o.V
				set[to], fresh[to] = &moved, true
			}
		case opDelete:
			if there {
				set[k] = nil
			}
		}
		if o.Kind == opRekey && len(set) > 0 {
			return r.rekeyed(o, p, see)
		}
	}
	return set, fresh
}

// rekeyed moves the keys of a step, and all keys in a row after them, up by one: each new key was an
// old one, but for the last.
func (r *runner) rekeyed(o *op, p *pair, see *Table) (set map[int64]*Row, fresh map[int64]bool) {
	set, fresh = map[int64]*Row{}, map[int64]bool{}
	k := o.Keys[0]
	for n := 0; n < 5; n++ {
		old, there := see.Rows[k]
		if !there {
			break
		}
		if set[k] == nil {
			set[k] = nil
		}
		old.V = o.V
		set[k+1], fresh[k+1] = &old, true
		delete(fresh, k)
		k++
	}
	if len(set) == 0 {
		return set, fresh
	}
	if _, there := see.Rows[k]; there && p.m.iso != table.ReadCommitted {
		return nil, nil
	}
	for n := range fresh {
		if _, old := see.Rows[n]; old && n != k {
			delete(fresh, n)
		}
	}
	return set, fresh
}

// write runs a step that changes rows in both worlds.
func (r *runner) write(o *op, p *pair, id table.ObjectID, see *Table, set map[int64]*Row, fresh map[int64]bool) error {
	undo := p.m.shadow()
	causes := p.m.Write(o.Slot, set, fresh)
	err := r.statement(p, func(st table.Statement) error {
		if err := r.apply(o, st, id, see, set); err != nil {
			return err
		}
		if o.Abort {
			return errAbort
		}
		return nil
	})
	switch {
	case len(causes) > 0 && err == errAbort && !slices.ContainsFunc(causes, func(c sqlerr.Code) bool { return c != sqlerr.UniqueViolation }):
		return r.failed(o, p) // the violation would have come at the end of the statement
	case len(causes) > 0:
		if err := wantCode(err, causes...); err != nil {
			return err
		}
		r.count(sqlerr.CodeOf(err))
		return r.failed(o, p)
	case o.Abort:
		p.m.keepLocks(undo)
		if err != errAbort {
			return fmt.Errorf("statement closed with an error answers %v", err)
		}
		return nil
	}
	if err == nil && r.methods[o.Slot] != "memory" {
		p.lasts = true
	}
	r.n.Rows += int64(len(set))
	return err
}

func (r *runner) count(code sqlerr.Code) {
	switch code {
	case sqlerr.SerializationFailure:
		r.n.Conflicts++
	case sqlerr.UniqueViolation:
		r.n.Violations++
	case sqlerr.LockNotAvailable:
		r.n.Blocked++
	}
}

// apply makes the changes in the storage.
func (r *runner) apply(o *op, st table.Statement, id table.ObjectID, see *Table, set map[int64]*Row) error {
	w, err := st.Writer(r.ctx, id)
	if err != nil {
		return err
	}
	keys := make([]int64, 0, len(set))
	for k := range set {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	if o.Seed%2 == 0 {
		slices.Reverse(keys)
	}
	switch o.Kind {
	case opInsert:
		return r.insert(w, see, set, keys)
	case opLoad:
		return r.load(w, see, set, keys)
	}
	refs, old, err := r.refs(st, id, see, keys)
	if err != nil {
		return err
	}
	var out table.Outcome
	switch o.Kind {
	case opDelete:
		out, err = w.Delete(r.ctx, refs)
	case opUpdate:
		out, err = r.update(w, set, old, refs)
	case opRekey:
		out, err = r.rekey(w, see.Shape, set, old, refs)
	}
	if err == nil && out.Rows != int64(len(refs)) {
		err = fmt.Errorf("%d rows changed, want %d", out.Rows, len(refs))
	}
	return err
}

func (r *runner) insert(w table.Writer, see *Table, set map[int64]*Row, keys []int64) error {
	rows := make([]types.Row, len(keys))
	for i, k := range keys {
		rows[i] = rowOf(see.Shape, k, *set[k])
	}
	b, err := batchOf(w.Def(), allColumns(w.Def()), rows)
	if err != nil {
		return err
	}
	out, err := w.Insert(r.ctx, b, table.OnConflict{Key: -1})
	if err == nil && (out.Rows != int64(len(keys)) || len(out.Refs) != len(keys)) {
		err = fmt.Errorf("insert of %d rows: %d rows, %d references", len(keys), out.Rows, len(out.Refs))
	}
	return err
}

func (r *runner) load(w table.Writer, see *Table, set map[int64]*Row, keys []int64) error {
	l, err := w.Load(r.ctx, table.LoadOptions{RowsExpected: int64(len(keys))})
	if err != nil {
		return err
	}
	for _, k := range keys {
		b, err := batchOf(w.Def(), allColumns(w.Def()), []types.Row{rowOf(see.Shape, k, *set[k])})
		if err != nil {
			return err
		}
		if err := l.Append(r.ctx, b); err != nil {
			_ = l.Abort()
			return err
		}
	}
	out, err := l.Finish(r.ctx)
	if err == nil && out.Rows != int64(len(keys)) {
		err = fmt.Errorf("load of %d rows: %d", len(keys), out.Rows)
	}
	return err
}

// refs finds the references of those keys that the table has, and returns these keys.
func (r *runner) refs(st table.Statement, id table.ObjectID, see *Table, keys []int64) (refs []table.RowRef, old []int64, err error) {
	rd, err := st.Reader(r.ctx, id)
	if err != nil {
		return nil, nil, err
	}
	var all scanned
	if see.Shape == Keyless {
		if all, err = scanAll(r.ctx, rd, table.ScanSpec{Refs: true}); err != nil {
			return nil, nil, err
		}
	}
	for _, k := range keys {
		row, there := see.Rows[k]
		if !there {
			continue
		}
		var ref table.RowRef
		if see.Shape == Keyless {
			i := slices.Index(all.rows, textOf(rd.Def(), rowOf(see.Shape, k, row)))
			if i < 0 {
				return nil, nil, fmt.Errorf("row %d is not found", k)
			}
			ref = all.refs[i]
		} else if ref, err = rd.Ref(r.ctx, keyOf(see.Shape, k)); err != nil {
			return nil, nil, fmt.Errorf("row %d: %w", k, err)
		}
		refs, old = append(refs, ref), append(old, k)
	}
	return refs, old, nil
}

func (r *runner) update(w table.Writer, set map[int64]*Row, old []int64, refs []table.RowRef) (table.Outcome, error) {
	n := len(w.Def().Columns)
	cols := []int{n - 2, n - 1}
	rows := make([]types.Row, len(old))
	for i, k := range old {
		rows[i] = contentOf(*set[k])
	}
	b, err := batchOf(w.Def(), cols, rows)
	if err != nil {
		return table.Outcome{}, err
	}
	return w.Update(r.ctx, refs, cols, b)
}

// rekey moves each old key up by one.
func (r *runner) rekey(w table.Writer, shape Shape, set map[int64]*Row, old []int64, refs []table.RowRef) (table.Outcome, error) {
	n := len(w.Def().Columns)
	cols := append(keyColumns(shape), n-1)
	rows := make([]types.Row, 0, len(old))
	for i, k := range old {
		if set[k+1] == nil { // the key above the last one that moves
			refs = slices.Delete(refs, i, i+1)
			continue
		}
		rows = append(rows, append(keyOf(shape, k+1), contentOf(*set[k+1])[1]))
	}
	b, err := batchOf(w.Def(), cols, rows)
	if err != nil {
		return table.Outcome{}, err
	}
	out, err := w.Update(r.ctx, refs, cols, b)
	out.Rows += int64(len(old) - len(rows))
	return out, err
}

func (r *runner) truncate(o *op, p *pair, id table.ObjectID) error {
	code := p.m.Truncate(o.Slot)
	err := r.statement(p, func(st table.Statement) error {
		w, err := st.Writer(r.ctx, id)
		if err != nil {
			return err
		}
		return w.Truncate(r.ctx)
	})
	if code != "" {
		r.n.Blocked++
		if err := wantCode(err, code); err != nil {
			return err
		}
		return r.failed(o, p)
	}
	p.lasts = p.lasts || r.methods[o.Slot] != "memory"
	return err
}

// lockRows locks rows without waiting.
func (r *runner) lockRows(o *op, p *pair, id table.ObjectID, see *Table) error {
	var keys []int64
	for _, k := range o.Keys {
		if _, there := see.Rows[k]; there && !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return errNotApplicable
	}
	var causes []sqlerr.Code
	if code := p.m.LockTable(o.Slot, see.Gen, table.RowExclusive); code != "" {
		causes = append(causes, code)
	}
	for _, k := range keys {
		causes = append(causes, p.m.LockRow(o.Slot, k)...)
	}
	err := r.statement(p, func(st table.Statement) error {
		refs, _, err := r.refs(st, id, see, keys)
		if err != nil {
			return err
		}
		w, err := st.Writer(r.ctx, id)
		if err != nil {
			return err
		}
		out := make([]table.LockResult, len(refs))
		if err := w.Lock(r.ctx, refs, table.ForUpdate, table.NoWait, out); err != nil {
			return err
		}
		for i := range out {
			if out[i].Status != table.Unchanged {
				return fmt.Errorf("lock of row %d answers %d", keys[i], out[i].Status)
			}
		}
		return nil
	})
	if len(causes) > 0 {
		if err := wantCode(err, causes...); err != nil {
			return err
		}
		r.count(sqlerr.CodeOf(err))
		return r.failed(o, p)
	}
	return err
}

// read runs a step that reads, and compares.
func (r *runner) read(o *op, st table.Statement, id table.ObjectID, see *Table) error {
	if o.Kind == opGet && see.Shape != Keyless {
		return r.get(o, st, id, see)
	}
	spec := table.ScanSpec{Refs: o.Spread, VectorRows: []int{0, 1, 3, 64}[o.N]}
	n := 2
	if see.Shape != Composite {
		n = 1
	}
	switch o.Seed % 5 {
	case 1:
		spec.Where = []table.Conjunct{{Col: n, Op: table.OpLt, Value: types.NewInt(types.Int4, o.V%uniqueMax)}}
	case 2:
		spec.Where = []table.Conjunct{{Col: n, Op: table.OpIsNull}}
	case 3:
		spec.Where = []table.Conjunct{{Col: n + 1, Op: table.OpPrefix, Value: types.NewString(types.Text, "v1")},
			{Col: n, Op: table.OpIsNotNull}}
	}
	return r.scan(st, id, see, spec)
}

// scan compares what a scan finds with a table of the model.
func (r *runner) scan(st table.Statement, id table.ObjectID, see *Table, spec table.ScanSpec) error {
	rd, err := st.Reader(r.ctx, id)
	if err != nil {
		return err
	}
	got, err := scanAll(r.ctx, rd, spec)
	if err != nil {
		return err
	}
	r.n.Scans++
	var want []string
	for _, k := range see.Keys() {
		row := rowOf(see.Shape, k, see.Rows[k])
		if !slices.ContainsFunc(spec.Where, func(c table.Conjunct) bool { return !holds(row, &c) }) {
			want = append(want, textOf(rd.Def(), row))
		}
	}
	slices.Sort(want)
	have := slices.Sorted(slices.Values(got.rows))
	if !slices.Equal(have, want) {
		return fmt.Errorf("scan of %s finds\n  %s\nwant\n  %s", rd.Def().Name, strings.Join(have, "\n  "), strings.Join(want, "\n  "))
	}
	if !spec.Refs || len(got.refs) == 0 {
		return nil
	}
	refs := got.refs[:min(len(got.refs), vec.Size)]
	var b vec.Batch
	if err := rd.Fetch(r.ctx, refs, allColumns(rd.Def()), &b); err != nil {
		return err
	}
	for i := range refs {
		if text := textOf(rd.Def(), b.Row(i, nil)); text != got.rows[i] {
			return fmt.Errorf("fetch by reference gives %s, the scan %s", text, got.rows[i])
		}
	}
	return nil
}

// get looks keys up, one by one and together.
func (r *runner) get(o *op, st table.Statement, id table.ObjectID, see *Table) error {
	rd, err := st.Reader(r.ctx, id)
	if err != nil {
		return err
	}
	var keys []types.Row
	var want []string
	for i, k := range o.Keys {
		row, there := see.Rows[k]
		got, err := rd.Get(r.ctx, keyOf(see.Shape, k), allColumns(rd.Def()), nil)
		if !there {
			if err != table.ErrNotFound {
				return fmt.Errorf("get of absent row %d: %v, %v", k, got, err)
			}
		} else if text := textOf(rd.Def(), rowOf(see.Shape, k, row)); err != nil || textOf(rd.Def(), got) != text {
			return fmt.Errorf("get of row %d: %v, %v; want %s", k, got, err, text)
		} else {
			want = append(want, fmt.Sprint(i, " ", text))
		}
		keys = append(keys, keyOf(see.Shape, k))
	}
	var b vec.Batch
	if err := rd.GetBatch(r.ctx, keys, allColumns(rd.Def()), &b); err != nil {
		return err
	}
	var have []string
	for i := range b.N {
		row := b.Row(i, nil)
		n := len(row) - 1
		have = append(have, fmt.Sprint(row[n].I, " ", textOf(rd.Def(), row[:n])))
	}
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		return fmt.Errorf("batch of keys finds %v, want %v", have, want)
	}
	return nil
}
