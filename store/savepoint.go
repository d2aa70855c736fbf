package store

import (
	"context"
	"slices"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// mark is a place in a transaction that it can return to.
type mark struct {
	seq    uint64 // of all marks of the transaction
	schema int
	// sequences are those that the transaction had changed.
	sequences *localSequence
	locks     int
	tables    []tableMark
	// deferred and modes are the checks that were put off, and what SET CONSTRAINTS had said.
	deferred []refEvent
	modes    *constraintModes
}

type tableMark struct {
	table *txTable
	at    writesMark
}

// mark returns the present place; its list of tables is appended to space.
func (t *Tx) mark(space []tableMark) (m mark) {
	m.tables = space
	t.marks++
	m.seq = t.marks
	m.locks = t.owner.Mark()
	m.sequences = t.sequences
	m.deferred, m.modes = t.deferred[:len(t.deferred):len(t.deferred)], t.modes
	if t.overlay != nil {
		m.schema = t.overlay.Mark()
	}
	for _, tt := range t.tables {
		if tt.wrote() {
			m.tables = append(m.tables, tableMark{tt, tt.mark()})
		}
	}
	return m
}

// undo drops the rows written and the schema changes made since the mark.
func (t *Tx) undo(m mark) {
	if t.overlay != nil {
		t.overlay.Undo(m.schema)
	}
	t.sequences = m.sequences
	t.deferred, t.modes = m.deferred, m.modes
	for _, tt := range t.tables {
		i := slices.IndexFunc(m.tables, func(x tableMark) bool { return x.table == tt })
		if i >= 0 {
			tt.undo(m.tables[i].at)
		} else {
			tt.undo(writesMark{})
		}
	}
}

// savepoint is a table.Savepoint.
type savepoint struct {
	tx *Tx
	at mark
	// command is the last statement that began before it.
	command uint32
}

// Savepoint marks rows, schema changes and locks.
func (t *Tx) Savepoint(ctx context.Context) (table.Savepoint, error) {
	if err := t.usable(); err != nil {
		return nil, err
	}
	if len(t.saves) >= savepointsMax {
		return nil, sqlerr.Newf(sqlerr.ProgramLimitExceeded, "more than %d savepoints", savepointsMax)
	}
	if err := t.settleOpen(ctx); err != nil {
		return nil, err
	}
	sp := &savepoint{tx: t, at: t.mark(nil), command: t.command}
	t.saves = append(t.saves, sp)
	return sp, nil
}

// find returns the savepoint's place in the stack, or an error if it is gone.
func (sp *savepoint) find() (int, error) {
	if err := sp.tx.usable(); err != nil {
		return 0, err
	}
	i := slices.Index(sp.tx.saves, sp)
	if i < 0 {
		return 0, sqlerr.New(sqlerr.InvalidSavepointSpecification, "savepoint does not exist")
	}
	return i, nil
}

// RollbackTo undoes what came after the savepoint, ends the statements that are open since, and
// gives back the locks taken since. The savepoint stays, later ones are gone.
func (sp *savepoint) RollbackTo(context.Context) error {
	i, err := sp.find()
	if err != nil {
		return err
	}
	t := sp.tx
	t.saves = t.saves[:i+1]
	t.endStatements(sp.command)
	t.undo(sp.at)
	for _, st := range t.open {
		if st.wrote && st.at.seq > sp.at.seq { // its first writer came after the savepoint
			st.at = sp.at
		}
	}
	if t.reads != nil && t.reads.probes {
		t.reads.probed = true
	}
	t.unhold(sp.at.locks)
	t.returns++
	if !invariants.Mutant("store-keep-savepoint-locks") {
		t.s.locks.ReleaseTo(t.owner, sp.at.locks)
	}
	for _, tt := range t.tables {
		tt.locked = 0 // what is still held is found again by the lock manager
	}
	return nil
}

// endStatements ends the statements that began after a command.
func (t *Tx) endStatements(command uint32) {
	t.open = slices.DeleteFunc(t.open, func(st *Statement) bool {
		if st.command <= command {
			return false
		}
		st.abandon()
		return true
	})
}

// Release forgets the savepoint and later ones; their changes stay.
func (sp *savepoint) Release(context.Context) error {
	i, err := sp.find()
	if err != nil {
		return err
	}
	sp.tx.saves = sp.tx.saves[:i]
	return nil
}
