package store

import (
	"context"
	"maps"
	"slices"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// constraintModes is what SET CONSTRAINTS has said; it is replaced and never changed.
type constraintModes struct {
	// all is for constraints that one does not name: nil is what their definitions say.
	all  *bool
	each map[table.ObjectID]bool
}

// deferred reports whether the check of a constraint waits for the end of the transaction.
func (t *Tx) deferredNow(f *table.ForeignKey) bool {
	if !f.Deferrable {
		return false
	}
	if m := t.modes; m != nil {
		if d, ok := m.each[f.ID]; ok {
			return d
		}
		if m.all != nil {
			return *m.all
		}
	}
	return f.Deferred
}

// putOff keeps what is to be checked later and returns the rest.
func (t *Tx) putOff(e refEvent) refEvent {
	if c := e.change; c != nil {
		if (c.action() == table.NoAction) && t.deferredNow(c.foreign) {
			t.deferred = append(t.deferred, e)
			return refEvent{}
		}
		return e
	}
	later := func(i int) bool { return t.deferredNow(&e.check.def.Foreign[i]) }
	if !slices.ContainsFunc(e.check.foreign, later) {
		return e
	}
	put, now := *e.check, *e.check
	put.foreign, now.foreign = nil, nil
	for _, i := range e.check.foreign {
		if later(i) {
			put.foreign = append(put.foreign, i)
		} else {
			now.foreign = append(now.foreign, i)
		}
	}
	t.deferred = append(t.deferred, refEvent{check: &put})
	if len(now.foreign) == 0 {
		return refEvent{}
	}
	return refEvent{check: &now}
}

// SetConstraints makes deferrable constraints, all for nil, be checked at the end of the transaction or of each statement.
// Checks that have been put off and are no longer to be are made now.
func (t *Tx) SetConstraints(ctx context.Context, ids []table.ObjectID, deferred bool) error {
	if err := t.usable(); err != nil {
		return err
	}
	m := &constraintModes{}
	if ids == nil {
		m.all = &deferred
	} else {
		if t.modes != nil {
			m.all, m.each = t.modes.all, maps.Clone(t.modes.each)
		}
		if m.each == nil {
			m.each = make(map[table.ObjectID]bool, len(ids))
		}
		for _, id := range ids {
			m.each[id] = deferred
		}
	}
	t.modes = m
	if deferred {
		return nil
	}
	return t.checkDeferred(ctx, false)
}

// checkDeferred makes the checks that were put off: all, or those that need not be any longer.
func (t *Tx) checkDeferred(ctx context.Context, all bool) error {
	if len(t.deferred) == 0 {
		return nil
	}
	x, err := t.Statement(ctx)
	if err != nil {
		return err
	}
	st := x.(*Statement)
	st.refs, st.ctx, st.deferring = slices.Clone(t.deferred), ctx, all // savepoints know the list
	t.deferred = nil
	return st.Close(nil)
}

// checkPending refuses to change a table, or to remove its rows, while a check about them is put off.
func (t *Tx) checkPending(what string, def *table.TableDef) error {
	for _, e := range t.deferred {
		if e.check != nil && e.check.tt.id == def.ID || e.change != nil && e.change.def.ID == def.ID {
			return errPending(what, def)
		}
	}
	return nil
}

// checkTruncated refuses to have removed all rows of a table that another one references, which was not emptied too.
func (st *Statement) checkTruncated() error {
	for _, id := range st.truncated {
		def := st.tx.catalog().Table(id)
		for _, child := range st.tx.catalog().Referencing(id) {
			if child.ID == id || slices.Contains(st.truncated, child.ID) {
				continue
			}
			return sqlerr.New(sqlerr.FeatureNotSupported, "cannot truncate a table referenced in a foreign key constraint").
				WithDetail("Table \"%s\" references \"%s\".", child.Name, def.Name).
				WithHint("Truncate table \"%s\" at the same time, or use TRUNCATE ... CASCADE.", child.Name)
		}
	}
	return nil
}
