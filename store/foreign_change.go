package store

import (
	"cmp"
	"context"
	"slices"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// reaction is a refChange being worked off by a statement of its own, which sees everything that is committed, and what the
// transaction has written so far.
type reaction struct {
	*refChange
	st   *Statement
	r    table.Reader
	w    *Writer
	want map[string]int // keys that are looked for: their positions in refChange.keys
	kids []referencing
	vals types.Row
	key  []byte
	// charged is what was charged for kids.
	charged int64
}

// referencing is a row that references the key at a position.
type referencing struct {
	ref table.RowRef
	at  int
}

// inner opens a statement within st, on the newest state whatever the level: what is found there was not there to be seen
// above READ COMMITTED, and has to be looked at all the same.
func (st *Statement) inner(ctx context.Context) (*Statement, error) {
	x, err := st.tx.Statement(ctx)
	if err != nil {
		return nil, err
	}
	in := x.(*Statement)
	if st.tx.o.Isolation != table.ReadCommitted {
		in.view.Release()
		in.view = st.tx.s.views.Acquire()
	}
	in.aside, in.outer, in.ctx = true, st.top(), ctx
	return in, nil
}

// action returns what a constraint wants to be done.
func (c *refChange) action() table.RefAction {
	switch {
	case c.again:
		return table.NoAction
	case c.update:
		return c.foreign.OnUpdate
	}
	return c.foreign.OnDelete
}

// runChange checks that no row references the keys, or does to those that do what the constraint says.
func (st *Statement) runChange(ctx context.Context, e *refChange) (err error) {
	if invariants.Mutant("store-forget-referrers") {
		return nil
	}
	in, err := st.inner(ctx)
	if err != nil {
		return err
	}
	c := &reaction{refChange: e, st: in}
	err = c.run(ctx)
	if c.charged > 0 {
		if cerr := c.w.tt.unnote(c.charged); err == nil {
			err = cerr
		}
	}
	if err = in.Close(err); err != nil {
		return err
	}
	if action := e.action(); action == table.SetDefault {
		again := *e // a row that had the default already was not changed
		again.again = true
		st.refs = append(st.refs, refEvent{change: &again})
	}
	return nil
}

func (c *reaction) run(ctx context.Context) error {
	mode := table.RowExclusive
	if a := c.action(); a == table.NoAction || a == table.Restrict {
		mode = table.RowShare
	}
	def, ts, err := c.st.table(ctx, c.child.ID, mode)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(def.Foreign, func(f table.ForeignKey) bool { return f.ID == c.foreign.ID }) {
		return nil // the transaction itself has dropped it
	}
	c.child = def
	if mode == table.RowExclusive {
		w, err := c.st.Writer(ctx, def.ID)
		if err != nil {
			return err
		}
		c.w = w.(*Writer)
	} else {
		c.w = c.st.locker(def, ts)
	}
	if c.r, err = c.st.Reader(ctx, def.ID); err != nil {
		return err
	}
	c.selectKeys()
	if len(c.want) == 0 {
		return nil
	}
	if err := c.collect(ctx); err != nil {
		return err
	}
	slices.SortStableFunc(c.kids, func(a, b referencing) int { return cmp.Compare(a.at, b.at) })
	if mode == table.RowShare {
		return c.refuse(ctx)
	}
	for rest := c.kids; len(rest) > 0; {
		n := min(len(rest), vec.Size)
		if err := c.act(ctx, rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// selectKeys leaves out the keys that a row has again, where that is enough.
func (c *reaction) selectKeys() {
	c.want = make(map[string]int, c.keys.Len())
	parent := Writer{st: c.st, tt: c.st.tx.table(c.def.ID), def: c.def}
	k, perm := c.refKey()
	for i := range c.keys.Len() {
		if c.action() == table.NoAction && k >= 0 {
			var row types.Row
			for _, j := range perm {
				row = append(row, c.old[i*len(c.cols)+j])
			}
			key, _ := index.AppendValues(nil, row)
			if w := parent.tt.w; w != nil && w.liveWith(k, key) > 0 {
				continue
			}
			if _, found := parent.committed(k, key); found {
				continue
			}
		}
		c.want[string(c.keys.At(i))] = i
	}
}

// refKey returns the position of the referenced key and, for each of its columns, the position in cols.
func (c *reaction) refKey() (k int, perm []int) {
	k, _ = c.def.RefKey(c.foreign.RefColumns)
	if k < 0 {
		return k, nil
	}
	for _, col := range c.def.Keys[k].Columns {
		perm = append(perm, indexOf(c.cols, col))
	}
	return k, perm
}

// collect finds the rows that reference one of the keys.
func (c *reaction) collect(ctx context.Context) error {
	f := c.foreign
	if k := uniqueOn(c.child, f.Columns); k >= 0 {
		return c.collectByKey(k)
	}
	where, possible := c.conjuncts()
	if !possible {
		return nil
	}
	s, err := c.r.Scan(ctx, table.ScanSpec{Cols: f.Columns, Refs: true, Where: where})
	if err != nil {
		return err
	}
	return scanAll(ctx, s, func(b *rowCheck) error {
		refs := b.batch.NumCols() - 1
		for i := range b.batch.N {
			c.vals = c.vals[:0]
			for j := range f.Columns {
				c.vals = append(c.vals, b.batch.BatchDatum(j, i))
			}
			if at := c.find(); at >= 0 {
				c.kids = append(c.kids, referencing{table.RowRef(b.batch.BatchDatum(refs, i).I), at})
			}
		}
		return c.charge()
	})
}

// kidBytes is what a found row takes.
const kidBytes = 32

// charge charges what was found to the write set of the table that it is in.
func (c *reaction) charge() error {
	n := int64(len(c.kids)*kidBytes) - c.charged
	if n < 1<<16 {
		return nil
	}
	c.charged += n
	c.w.tt.w.noted += n
	return c.w.tt.w.reserve()
}

// find returns the position of the key that the row with c.vals references, -1 if it is none of those looked for.
func (c *reaction) find() int {
	for i := range c.vals {
		d, ok := table.ReferenceValue(c.vals[i], c.def.Columns[c.cols[i]].Type.Kind)
		if !ok || !d.Valid {
			return -1
		}
		c.vals[i] = d
	}
	c.key, _ = index.AppendValues(c.key[:0], c.vals)
	if at, ok := c.want[string(c.key)]; ok {
		return at
	}
	return -1
}

// uniqueOn returns the position of a key on exactly the given columns, -1 if there is none.
func uniqueOn(def *table.TableDef, cols []int) int {
	return slices.IndexFunc(def.Keys, func(k table.Key) bool {
		return len(k.Columns) == len(cols) && !slices.ContainsFunc(k.Columns, func(c int) bool { return !slices.Contains(cols, c) })
	})
}

// collectByKey finds the rows by Keys[k] of their own, which is on the columns of the constraint.
func (c *reaction) collectByKey(k int) error {
	for i := range c.keys.Len() {
		if at, ok := c.want[string(c.keys.At(i))]; !ok || at != i {
			continue
		}
		var row types.Row
		possible := true
		for _, col := range c.child.Keys[k].Columns {
			d, ok := table.ReferenceValue(c.old[i*len(c.cols)+indexOf(c.foreign.Columns, col)], c.child.Columns[col].Type.Kind)
			row, possible = append(row, d), possible && ok
		}
		if !possible {
			continue
		}
		key, _ := index.AppendValues(nil, row)
		if own, ok := c.w.tt.w.oneWith(k, key); ok {
			c.kids = append(c.kids, referencing{privateRef | table.RowRef(own), i})
		}
		if ref, ok := c.w.committed(k, key); ok {
			c.kids = append(c.kids, referencing{ref, i})
		}
	}
	return nil
}

// inListMax is how many keys a scan is told of.
const inListMax = 64

// conjuncts returns conditions that all rows meet that reference one of the keys; possible is false if none can.
func (c *reaction) conjuncts() (where []table.Conjunct, possible bool) {
	if len(c.want) > inListMax {
		return nil, true
	}
	for j, col := range c.foreign.Columns {
		x := table.Conjunct{Col: col, Op: table.OpIn}
		for _, i := range c.want {
			if d, ok := table.ReferenceValue(c.old[i*len(c.cols)+j], c.child.Columns[col].Type.Kind); ok {
				x.Values = append(x.Values, d)
			}
		}
		switch len(x.Values) {
		case 0:
			return nil, false
		case 1:
			x.Op, x.Value, x.Values = table.OpEq, x.Values[0], nil
		}
		where = append(where, x)
	}
	return where, true
}

// refuse reports the first row that references a key, once it is certain that it stays.
func (c *reaction) refuse(ctx context.Context) error {
	var out [1]table.LockResult
	for _, kid := range c.kids {
		if err := c.w.Lock(ctx, []table.RowRef{kid.ref}, table.ForKeyShare, table.WaitBlock, out[:]); err != nil {
			return err
		}
		switch out[0].Status {
		case table.Gone:
			continue
		case table.Moved:
			if at, err := c.again(ctx, out[0].Ref); err != nil {
				return err
			} else if at < 0 {
				continue
			}
		}
		c.noteFound(kid.at)
		return c.st.tx.errReferenced(c.refChange, kid.at)
	}
	return nil
}

// again returns the position of the key that the newest version of a row references.
func (c *reaction) again(ctx context.Context, ref table.RowRef) (int, error) {
	var b vec.Batch
	if err := c.r.Fetch(ctx, []table.RowRef{ref}, c.foreign.Columns, &b); err != nil {
		return -1, err
	}
	c.vals = b.Row(0, c.vals[:0])
	return c.find(), nil
}

// noteFound notes what the client of a SERIALIZABLE transaction learns: that a row references a key, in a newer state than
// that of its View.
func (c *reaction) noteFound(at int) {
	r := c.st.tx.reads
	if r == nil {
		return
	}
	var where []table.Conjunct
	for j, col := range c.foreign.Columns {
		if d, ok := table.ReferenceValue(c.old[at*len(c.cols)+j], c.child.Columns[col].Type.Kind); ok {
			where = append(where, table.Conjunct{Col: col, Op: table.OpEq, Value: ownDatum(d)})
		}
	}
	r.probes, r.probed = true, true
	r.scan(c.child.ID, where, c.st.view.LSN())
}

// act deletes or updates rows that reference keys.
func (c *reaction) act(ctx context.Context, kids []referencing) error {
	deletes := c.action() == table.Cascade && !c.update
	mode := table.ForUpdate
	if !deletes {
		mode = table.ForNoKeyUpdate
		for k := range c.child.Keys {
			if overlap(c.child.Keys[k].Columns, c.w.withGenerated(c.setColumns())) {
				mode = table.ForUpdate
			}
		}
	}
	refs := make([]table.RowRef, len(kids))
	for i := range kids {
		refs[i] = kids[i].ref
		if err := c.crossCheck(refs[i]); err != nil {
			return err
		}
	}
	locked := make([]table.LockResult, len(refs))
	if err := c.w.Lock(ctx, refs, mode, table.WaitBlock, locked); err != nil {
		return err
	}
	refs = refs[:0]
	var at []int
	for i, l := range locked {
		key := kids[i].at
		switch l.Status {
		case table.Gone:
			continue
		case table.Moved:
			var err error
			if key, err = c.again(ctx, l.Ref); err != nil {
				return err
			}
			if key < 0 {
				continue
			}
		}
		refs, at = append(refs, l.Ref), append(at, key)
	}
	if len(refs) == 0 {
		return nil
	}
	if deletes {
		_, err := c.w.Delete(ctx, refs)
		return err
	}
	return c.set(ctx, refs, at)
}

// crossCheck refuses to change a row that the transaction's View does not show as it is.
func (c *reaction) crossCheck(ref table.RowRef) error {
	t := c.st.tx
	if t.o.Isolation == table.ReadCommitted || ref&privateRef != 0 {
		return nil
	}
	if ts := c.w.source(); ts == nil || ts.Written(ref) > t.snapshot().LSN() {
		return errConcurrentUpdate
	}
	return nil
}

// setColumns returns the columns that the action changes.
func (c *reaction) setColumns() []int {
	if !c.update && len(c.foreign.SetColumns) > 0 {
		return c.foreign.SetColumns
	}
	return c.foreign.Columns
}

// set gives the columns of rows their new values: the referenced row's, NULL, or their defaults.
func (c *reaction) set(ctx context.Context, refs []table.RowRef, at []int) error {
	cols := c.setColumns()
	ts := make([]types.Type, len(cols))
	for i, col := range cols {
		ts[i] = c.child.Columns[col].Type
	}
	b := vec.NewBatchBuilder(ts, len(refs), nil)
	row := make(types.Row, len(cols))
	for _, key := range at {
		for i, col := range cols {
			var err error
			if row[i], err = c.newValue(ctx, col, key); err != nil {
				return err
			}
		}
		if err := b.AppendRow(row); err != nil {
			return err
		}
	}
	_, err := c.w.Update(ctx, refs, cols, b.Batch())
	return err
}

func (c *reaction) newValue(ctx context.Context, col, key int) (types.Datum, error) {
	to := c.child.Columns[col]
	switch c.action() {
	case table.SetNull:
		return types.NullOf(to.Type.Kind), nil
	case table.SetDefault:
		if to.Default == "" && to.Identity == table.NoIdentity {
			return types.NullOf(to.Type.Kind), nil
		}
		funcs, err := c.st.tx.s.compile(c.child)
		if err != nil {
			return types.Datum{}, err
		}
		return funcs.Default(ctx, col)
	}
	d, ok := table.ReferenceValue(c.now[key*len(c.cols)+indexOf(c.foreign.Columns, col)], to.Type.Kind)
	if !ok {
		return d, errTooLarge(to.Type.Kind)
	}
	return types.Coerce(d, to.Type, false)
}
