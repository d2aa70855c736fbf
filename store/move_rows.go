package store

import (
	"context"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/vec"
)

// A table that moves, in the form that it has, to a tier that takes the rows of a record to disk while the record is
// applied, or before, need not fit into memory: its rows are not copied into the write set. The transaction goes on reading
// and changing them where they are. The commit reads them from there twice, a batch at a time: for the log, and to apply
// them; or once, if the tier writes them to files that the record names.

// takesAnySize reports whether applying a record to a tier takes no more memory the more rows it has.
func takesAnySize(method string) bool { return method == "lsm" || method == "columnar" }

// movesAsIs reports whether a table can move without a copy of its rows in the write set.
func movesAsIs(was, def *table.TableDef, f table.RowMapper) bool {
	return f == nil && was.Method != def.Method && takesAnySize(def.Method) && equalLayout(was, def) && sameForm(was, def)
}

// stored returns the definition under which the committed rows of a table are found: as long as the transaction itself
// moves the table, and has not copied the rows, that of before.
func (t *Tx) stored(def *table.TableDef) *table.TableDef {
	if t.overlay == nil {
		return def
	}
	if base := t.movedFrom(def.ID); base != nil {
		return base
	}
	return def
}

// movedFrom returns the definition from before of a table that moves without a copy of its rows, or else nil.
func (t *Tx) movedFrom(id table.ObjectID) *table.TableDef {
	base, now := t.overlay.Base().Table(id), t.overlay.Catalog().Table(id)
	if base == nil || now == nil || base.Method == now.Method {
		return nil
	}
	if tt := t.table(id); tt.w != nil && tt.w.rewritten {
		return nil // its rows are the transaction's own
	}
	return base
}

// committed returns the rows that a View shows of a table, nil if there is none.
func (t *Tx) committed(st *state, def *table.TableDef) table.TableSnapshot {
	return st.table(t.s, t.stored(def))
}

// movedRows are the rows that a commit takes to another tier.
type movedRows struct {
	def  *table.TableDef // the new one
	from table.TableSnapshot
	w    *writes // rows that it ended stay behind; nil: none
	// in says that the rows were written to files of the new tier: those of loaded; and that rest are too few for a file.
	in     bool
	loaded table.LoadedRows // nil: there is no file
	rest   []*vec.BatchBuilder
}

// collectMoved notes the tables that move without a copy of their rows. Nobody else can change them any more.
func (c *commit) collectMoved() {
	t := c.tx
	if t.overlay == nil {
		return
	}
	for i := range c.schema {
		def := t.overlay.Catalog().Table(c.schema[i].ID)
		if def == nil || lastPut(c.schema, def.ID) != i {
			continue
		}
		base := t.movedFrom(def.ID)
		if base == nil {
			continue
		}
		if c.view == nil {
			c.view = t.s.views.Acquire()
		}
		tt := t.table(def.ID)
		m := movedRows{def: def, from: c.view.State.table(t.s, base)}
		if tt.wrote() {
			m.w = tt.w
		} else {
			c.versions = append(c.versions, tableVersion{def.ID, base.Version})
			c.collectMove(tt)
		}
		c.moved = append(c.moved, m)
	}
}

// loadMoved writes rows that move to files of their new tiers.
func (c *commit) loadMoved(ctx context.Context) error {
	for i := range c.moved {
		if err := c.moved[i].load(ctx, c.tx.s); err != nil {
			return err
		}
		c.loads = c.loads || c.moved[i].loaded != nil
	}
	return nil
}

// releaseMoved gives up what the rows that move were read from, and were written to unless a record may name that.
func (c *commit) releaseMoved(named bool) {
	for i := range c.moved {
		c.moved[i].drop(named)
	}
	if c.view != nil {
		c.view.Release()
		c.view = nil
	}
}

// load writes the rows to files of the new tier, if that does so.
func (m *movedRows) load(ctx context.Context, s *Store) error {
	tier, ok := s.tiers[s.tierOf(m.def.Method)].Tier.(table.LoadingTier)
	if !ok || m.in {
		return nil
	}
	l := tier.Load(m.def)
	defer l.Abort()
	err := m.scan(ctx, func(e *table.Entry) error { return l.Append(ctx, e.Rows) })
	if err != nil {
		return err
	}
	err = l.Rest(func(rows *vec.Batch) error {
		c, err := vec.Copy(rows, s.mem)
		if err == nil {
			m.rest = append(m.rest, c)
		}
		return err
	})
	if err != nil {
		return err
	}
	loaded, err := l.Finish(ctx) // the keys are those of a table
	if err == nil && loaded.Rows() > 0 {
		m.loaded = loaded
	}
	m.in = err == nil
	return err
}

// drop gives up what load has made. The files stay if a record may name them.
func (m *movedRows) drop(named bool) {
	if m.loaded != nil && !named {
		m.loaded.Drop()
	}
	for _, bb := range m.rest {
		bb.Release()
	}
	m.loaded, m.rest = nil, nil
}

// each calls f for the entries that make the rows those of the new tier.
func (m *movedRows) each(ctx context.Context, f func(*table.Entry) error) error {
	e := table.Entry{Table: m.def.ID, Version: m.def.Version, Op: table.OpTruncate}
	if err := f(&e); err != nil {
		return err
	}
	if !m.in {
		return m.scan(ctx, f)
	}
	if m.loaded != nil {
		e.Op, e.Load, e.Loaded = table.OpLoadRows, m.loaded.Record(), m.loaded
		if err := f(&e); err != nil {
			return err
		}
	}
	for _, bb := range m.rest {
		e := table.Entry{Table: m.def.ID, Version: m.def.Version, Op: table.OpInsertRows, Rows: bb.Batch()}
		if err := f(&e); err != nil {
			return err
		}
	}
	return nil
}

// scan calls f for entries that insert the rows.
func (m *movedRows) scan(ctx context.Context, f func(*table.Entry) error) error {
	e := table.Entry{Table: m.def.ID, Version: m.def.Version, Op: table.OpInsertRows}
	if m.from == nil {
		return sqlerr.Newf(sqlerr.InternalError, "the rows of table \"%s\" are not where they were", m.def.Name)
	}
	if m.w != nil && m.w.truncated != 0 {
		return nil
	}
	ts := rowTypes(m.def)
	spec := table.ScanSpec{Refs: true}
	for i := range ts {
		spec.Cols = append(spec.Cols, i)
	}
	s, err := m.from.Scan(&spec)
	if err != nil {
		return err
	}
	dst := vec.NewBatchBuilder(ts, vec.Size, nil)
	defer dst.Release()
	return scanAll(ctx, s, func(c *rowCheck) error {
		dst.Reset()
		if err := m.copy(dst, &c.batch); err != nil {
			return err
		}
		if e.Rows = dst.Batch(); e.Rows.N == 0 {
			return nil
		}
		return f(&e)
	})
}

// copy appends the rows of b, whose last column are their references, that the transaction did not end.
func (m *movedRows) copy(dst *vec.BatchBuilder, b *vec.Batch) error {
	refs := dst.Columns()
	if m.w == nil || len(m.w.ended) == 0 || invariants.Mutant("store-move-ended-rows") {
		for i := range refs {
			v, g := b.Col(i)
			if err := dst.Col(i).AppendColumn(v, g, b.N); err != nil {
				return err
			}
		}
		return dst.Commit()
	}
	for i := range b.N {
		row := b.Row(i, nil)
		if _, ended := m.w.hasEnded(table.RowRef(row[refs].I)); ended {
			continue
		}
		if err := dst.AppendRow(row[:refs]); err != nil {
			return err
		}
	}
	return nil
}
