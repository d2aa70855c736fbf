package store

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// The oracle knows what a database must hold after the first n of the transactions that were
// committed. It is kept outside of the file systems that break, and shares no code with the store.

// modelRow is a row less its id; u 0 and v "" are NULL.
type modelRow struct {
	u int64
	v string
}

// modelTable is a table: its columns are id, u, v, and w = 7 × id if it is wide.
type modelTable struct {
	wide, notNull bool
	rows          map[int64]modelRow
	method        string // if it is not crashMethod
}

type effectOp int

const (
	effPut effectOp = iota // insert or replace
	effDelete
	effTruncate
	effCreate
	effDrop
	effRename
	effWiden
	effNarrow
	effRekey // the primary key goes or comes
	effNotNull
	effMove // to another tier
)

// effect is one change that a transaction makes.
type effect struct {
	op    effectOp
	table string
	id    int64
	row   modelRow
	to    string // effRename, effMove
}

// fate is what the one who asked for a commit was told.
type fate int

const (
	fateOpen      fate = iota // nothing yet
	fateCommitted             // done
	fateUnknown               // nobody knows
	fateRefused               // nothing has happened
)

// commitNote is what is known of a transaction.
type commitNote struct {
	tx      int64
	fate    fate
	lsn     uint64 // its place in the order of commits; 0 if that is not known
	effects []effect
}

// oracle is the book of the transactions. The one with number n writes n into the table journal.
type oracle struct {
	mu    sync.Mutex
	next  int64
	notes map[int64]*commitNote
	order []*commitNote // by LSN; nil: to be made
	// acked is the highest LSN of a commit that was acknowledged as durable.
	acked uint64
	// listen is told of each note, before its commit is asked for and after it was answered; nil: nobody.
	listen func(*commitNote)
}

func newOracle() *oracle { return &oracle{notes: map[int64]*commitNote{}} }

// number gives a transaction its number.
func (o *oracle) number() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.next++
	return o.next
}

// asked notes that a commit is asked for.
func (o *oracle) asked(tx int64, effects []effect) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.notes[tx] = &commitNote{tx: tx, effects: effects}
	if o.listen != nil {
		o.listen(o.notes[tx])
	}
}

// told notes the answer; durable says that it promised that the commit outlives a power loss.
func (o *oracle) told(tx int64, f fate, lsn uint64, durable bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.notes[tx].fate, o.notes[tx].lsn, o.order = f, lsn, nil
	if durable && f == fateCommitted {
		o.acked = max(o.acked, lsn)
	}
	if o.listen != nil {
		o.listen(o.notes[tx])
	}
}

func (o *oracle) ackedLSN() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.acked
}

func (o *oracle) orderLocked() []*commitNote {
	if o.order == nil {
		for _, n := range o.notes {
			if n.lsn != 0 {
				o.order = append(o.order, n)
			}
		}
		slices.SortFunc(o.order, func(a, b *commitNote) int { return cmp.Compare(a.lsn, b.lsn) })
	}
	return o.order
}

// prefix returns the state after the transactions that a journal names. They must be the first ones
// in the order of commits, with all up to the LSN acked among them.
func (o *oracle) prefix(journal map[int64]bool, acked uint64) (map[string]*modelTable, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	order := o.orderLocked()
	m := map[string]*modelTable{}
	for i, n := range order {
		switch {
		case journal[n.tx] && i < len(journal):
			if err := applyEffects(m, n.effects); err != nil {
				return nil, err
			}
		case journal[n.tx]:
			return nil, fmt.Errorf("transaction %d (LSN %d) is there, one before it is not", n.tx, n.lsn)
		case n.lsn <= acked:
			return nil, fmt.Errorf("transaction %d (LSN %d) is not there, but all up to LSN %d were acknowledged", n.tx, n.lsn, acked)
		case i < len(journal):
			return nil, fmt.Errorf("transaction %d (LSN %d) is not there, but a later or an unknown one is", n.tx, n.lsn)
		}
	}
	if len(journal) > len(order) {
		return nil, fmt.Errorf("%d transactions are there, only %d can be", len(journal), len(order))
	}
	return m, nil
}

func applyEffects(m map[string]*modelTable, effects []effect) error {
	for _, e := range effects {
		t := m[e.table]
		if (t == nil) != (e.op == effCreate) {
			return fmt.Errorf("oracle: effect %v on table %q", e.op, e.table)
		}
		switch e.op {
		case effPut:
			t.rows[e.id] = e.row
		case effDelete:
			delete(t.rows, e.id)
		case effTruncate:
			clear(t.rows)
		case effCreate:
			m[e.table] = &modelTable{rows: map[int64]modelRow{}}
		case effDrop:
			delete(m, e.table)
		case effRename:
			delete(m, e.table)
			m[e.to] = t
		case effWiden:
			t.wide = true
		case effNarrow:
			t.wide = false
		case effRekey:
		case effNotNull:
			t.notNull = true
		case effMove:
			t.method = otherMethod(e.to)
		}
	}
	return nil
}

// otherMethod is a method as modelTable has it.
func otherMethod(method string) string {
	if method == crashMethod {
		return ""
	}
	return method
}

// text prints a table, its rows in the order of their ids.
func (t *modelTable) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "wide %t, not null %t, method %q\n", t.wide, t.notNull, t.method)
	for _, id := range slices.Sorted(maps.Keys(t.rows)) {
		b.WriteString(t.rowText(id))
		b.WriteByte('\n')
	}
	return b.String()
}

func (t *modelTable) rowText(id int64) string {
	r := t.rows[id]
	s := fmt.Sprintf("%d | %d | %q", id, r.u, r.v)
	if t.wide {
		s += fmt.Sprintf(" | %d", 7*id)
	}
	return s
}
