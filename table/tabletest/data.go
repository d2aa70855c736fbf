package tabletest

import (
	"fmt"
	"slices"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// data runs a step that reads or writes rows, as a statement of its own.
func (r *runner) data(o *op, p *pair) error {
	o = r.aim(o, p)
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
		if code := p.m.lockTable(o.Slot, see.Gen, accessShare); code != "" {
			return r.refused(o, p, func(st table.Statement) error { _, err := st.Reader(r.ctx, id); return err })
		}
		return r.statement(p, func(st table.Statement) error { return r.read(o, p, st, id, see) })
	}
	switch o.Kind {
	case opTruncate:
		return r.truncate(o, p, id)
	case opLock:
		return r.lockRows(o, p, id, see)
	case opIgnore:
		return r.ignore(o, p, id, see)
	}
	set, fresh := r.changes(o, p, see)
	if len(set) == 0 {
		return errNotApplicable
	}
	return r.write(o, p, id, see, set, fresh)
}

// aim returns a step on a table that there is, if the one that was drawn is not there.
func (r *runner) aim(o *op, p *pair) *op {
	at := *o
	for i := range tableSlots {
		at.Slot = (o.Slot + i) % tableSlots
		if !p.m.Stale(at.Slot) && p.m.See(at.Slot) != nil {
			return &at
		}
	}
	return o
}

// statement runs f as a statement.
func (r *runner) statement(p *pair, f func(table.Statement) error) error {
	st, err := p.tx.Statement(r.ctx)
	if err != nil {
		return err
	}
	err = st.Close(f(st))
	p.refused, p.ended = isDependency(err) && p.m.MayBeRefused(), err == nil
	return err
}

// isDependency reports whether an error is a conflict with what a transaction has read.
func isDependency(err error) bool {
	return sqlerr.CodeOf(err) == sqlerr.SerializationFailure && err.Error() == dependencies
}

// refused runs a statement that must fail because a lock is not free.
func (r *runner) refused(o *op, p *pair, f func(table.Statement) error) error {
	r.n.Blocked++
	if err := wantCode(r.statement(p, f), sqlerr.LockNotAvailable); err != nil {
		return err
	}
	return r.failed(o, p)
}

// write runs a step that changes rows in both worlds.
func (r *runner) write(o *op, p *pair, id table.ObjectID, see *Table, set map[int64]*Row, fresh map[int64]bool) error {
	undo, mode := p.m.mark(), update
	if o.onlyV() || see.Shape == Keyless && o.Kind == opUpdate {
		mode = noKeyUpdate
	}
	if o.Kind == opLoad { // keeps other writers out if there are none
		_ = p.m.lockTable(o.Slot, see.Gen, shareRowExclusive)
	}
	causes := p.m.Write(o.Slot, set, fresh, mode)
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
		p.m.own = undo.own // the locks stay
		if err != errAbort {
			return fmt.Errorf("statement that is undone answers %v", err)
		}
		return nil
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
		out, err = r.update(o, w, set, old, refs)
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

// ignore inserts rows unless there is one with the same key or unique value.
func (r *runner) ignore(o *op, p *pair, id table.ObjectID, see *Table) error {
	var keys []int64
	var rows []Row
	for i, k := range o.Keys {
		row := Row{U: o.U, V: o.V + int64(i)}
		if o.Spread && row.U != 0 {
			row.U += int64(i)
		}
		if _, there := see.Rows[k]; see.Shape != Keyless && (!there || p.m.iso == table.ReadCommitted) {
			keys, rows = append(keys, k), append(rows, row)
		}
	}
	if len(keys) == 0 {
		return errNotApplicable
	}
	skipped, code := p.m.Ignore(o.Slot, keys, rows)
	err := r.statement(p, func(st table.Statement) error {
		w, err := st.Writer(r.ctx, id)
		if err != nil {
			return err
		}
		all := make([]types.Row, len(keys))
		for i, k := range keys {
			all[i] = rowOf(see.Shape, k, rows[i])
		}
		b, err := batchOf(w.Def(), allColumns(w.Def()), all)
		if err != nil {
			return err
		}
		out, err := w.Insert(r.ctx, b, table.OnConflict{DoNothing: true, Key: -1})
		if err == nil && (code != "" || !slices.Equal(out.Skipped, skipped) || out.Rows != int64(len(keys)-len(skipped))) {
			err = fmt.Errorf("insert of rows %v answers %+v, want %v skipped, error %q", keys, out, skipped, code)
		}
		return err
	})
	r.n.Skipped += len(skipped)
	if code == "" {
		return err
	}
	if err := wantCode(err, code); err != nil {
		return err
	}
	r.count(code)
	return r.failed(o, p)
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

func (r *runner) update(o *op, w table.Writer, set map[int64]*Row, old []int64, refs []table.RowRef) (table.Outcome, error) {
	n := len(w.Def().Columns)
	cols := []int{n - 2, n - 1}
	if o.onlyV() {
		cols = cols[1:]
	}
	rows := make([]types.Row, len(old))
	for i, k := range old {
		rows[i] = contentOf(*set[k])[2-len(cols):]
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
	return err
}

// lockRows locks rows without waiting.
func (r *runner) lockRows(o *op, p *pair, id table.ObjectID, see *Table) error {
	var keys []int64
	for _, k := range o.Keys {
		k = r.rowKey(o, see, k)
		if _, there := see.Rows[k]; there && !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return errNotApplicable
	}
	var causes []sqlerr.Code
	if code := p.m.lockTable(o.Slot, see.Gen, rowExclusive); code != "" {
		causes = append(causes, code)
	}
	for _, k := range keys {
		causes = append(causes, p.m.LockRow(o.Slot, k, lockMode(1)<<o.rowLock())...)
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
		if err := w.Lock(r.ctx, refs, o.rowLock(), table.NoWait, out); err != nil {
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
