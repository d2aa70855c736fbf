package tabletest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// lockWait is how long a transaction of a sequence waits for a lock: everything runs in one
// goroutine, so a lock that is not free does not become free.
const lockWait = time.Millisecond

// Opener opens a storage. fs is nil for one that is not durable.
type Opener func(fs vfs.FS) (table.TableStorage, error)

// counts says how much a run did.
type counts struct {
	Cases, Ops, Left                                int
	Commits, Aborts, Conflicts, Violations, Blocked int
	Skipped                                         int
	// Serialized are commits at SERIALIZABLE that wrote, Refused conflicts with what they had read, Needless those
	// of them that the model does not see.
	Serialized, Refused, Needless                      int
	Checkpoints, Reopens, Crashes, Lost, OpenAtOnceMax int
	Rows, Scans                                        int64
}

func (c *counts) add(d counts) {
	c.Cases++
	c.Ops += d.Ops
	c.Left += d.Left
	c.Commits += d.Commits
	c.Aborts += d.Aborts
	c.Conflicts += d.Conflicts
	c.Violations += d.Violations
	c.Blocked += d.Blocked
	c.Skipped += d.Skipped
	c.Serialized += d.Serialized
	c.Refused += d.Refused
	c.Needless += d.Needless
	c.Checkpoints += d.Checkpoints
	c.Reopens += d.Reopens
	c.Crashes += d.Crashes
	c.Lost += d.Lost
	c.Rows += d.Rows
	c.Scans += d.Scans
	c.OpenAtOnceMax = max(c.OpenAtOnceMax, d.OpenAtOnceMax)
}

// errNotApplicable: a step makes no sense where it stands, and is left out.
var errNotApplicable = errors.New("not applicable")

// errAbort is what statements are closed with that are to be undone.
var errAbort = errors.New("the statement is undone on purpose")

// runner runs a sequence on a storage and on the model.
type runner struct {
	ctx     context.Context
	open    Opener
	methods []string // by table slot
	fs      *vfs.MemFS
	s       table.TableStorage
	m       *Model
	// durable is the newest state that must survive a crash; later holds those that may.
	later []*State
	txs   [txSlots]*pair
	n     counts
	// serial numbers the rows inserted into tables without key.
	serial int64
}

// pair is one transaction in both worlds.
type pair struct {
	tx    table.Tx
	m     *Tx
	saves []table.Savepoint
	async bool
	// refused: the last statement ended with a conflict with what the transaction had read. ended: without any error.
	refused, ended bool
}

// run runs a sequence and returns the first disagreement.
func run(open Opener, durable bool, methods []string, ops []op) (n counts, err error) {
	r := &runner{ctx: context.Background(), open: open, methods: methods, m: NewModel()}
	if durable {
		r.fs = vfs.NewCrashableMem()
	}
	r.later = []*State{r.m.Now}
	defer func() { n = r.n }()
	if err := r.start(); err != nil {
		return n, err
	}
	for i := range ops {
		err := r.step(&ops[i])
		if errors.Is(err, errNotApplicable) {
			r.n.Left++
			continue
		}
		if err != nil {
			return n, fmt.Errorf("step %d %v: %w", i, ops[i], err)
		}
		r.n.Ops++
	}
	return n, r.finish()
}

func (r *runner) start() (err error) {
	var fs vfs.FS
	if r.fs != nil {
		fs = r.fs
	}
	r.s, err = r.open(fs)
	return err
}

// finish compares everything once more and closes the storage.
func (r *runner) finish() error {
	for i := range r.txs {
		if r.txs[i] != nil {
			if err := r.txs[i].tx.Rollback(); err != nil {
				return err
			}
			r.drop(i)
		}
	}
	if err := r.compareAll(r.m.Now); err != nil {
		return err
	}
	return r.s.Close()
}

func (r *runner) step(o *op) error {
	p := r.txs[o.Tx]
	switch o.Kind {
	case opBegin:
		return r.begin(o)
	case opCheckpoint:
		r.n.Checkpoints++
		err := r.s.Checkpoint(r.ctx)
		if r.fs == nil && sqlerr.CodeOf(err) == sqlerr.FeatureNotSupported {
			err = nil
		}
		if err == nil {
			r.later = []*State{r.m.Now}
		}
		return err
	case opReopen:
		return r.reopen()
	case opCrash:
		return r.crash(o)
	}
	if p == nil {
		if o.Kind == opCommit || o.Kind == opRollback || o.Kind == opRollbackTo || o.Kind == opRelease {
			return errNotApplicable
		}
		if err := r.begin(o); err != nil {
			return err
		}
		p = r.txs[o.Tx]
	}
	switch o.Kind {
	case opCommit:
		return r.commit(o, p)
	case opRollback:
		r.n.Aborts++
		defer r.drop(o.Tx)
		if err := p.tx.Rollback(); err != nil {
			return err
		}
		return p.tx.Rollback() // the second call does nothing
	case opSavepoint:
		sp, err := p.tx.Savepoint(r.ctx)
		p.saves = append(p.saves, sp)
		p.m.Savepoint()
		return err
	case opRollbackTo, opRelease:
		if len(p.saves) == 0 {
			return errNotApplicable
		}
		i := o.N % len(p.saves)
		if o.Kind == opRollbackTo {
			return r.rollbackTo(p, i)
		}
		err := p.saves[i].Release(r.ctx)
		p.saves = p.saves[:i]
		p.m.Release(i)
		return err
	}
	p.tx.Schema().Version() // the first look takes the snapshot, in both worlds
	p.m.base()
	if o.Kind == opCreate || o.Kind == opDrop {
		return r.schema(o, p)
	}
	return r.validated(o, p)
}

// validated runs a step on rows, and sees to the rule that a SERIALIZABLE transaction that has written fails at the end of
// a statement if what it has read has changed.
func (r *runner) validated(o *op, p *pair) error {
	undo := p.m.mark()
	p.refused, p.ended = false, false
	err := r.data(o, p)
	if !p.refused {
		if err == nil && p.ended && p.m.iso == table.Serializable && p.m.Wrote() && !p.m.Holds() {
			err = errors.New("the statement ends, though what the transaction has read has changed")
		}
		return err
	}
	if r.n.Refused++; p.m.Holds() {
		r.n.Needless++
	}
	if err == nil {
		return nil // there was another reason, too
	}
	p.m.own = undo.own
	return r.failed(o, p)
}

func (r *runner) begin(o *op) error {
	if r.txs[o.Tx] != nil {
		return errNotApplicable
	}
	iso := o.Iso
	if iso == table.Serializable && !r.s.Features().Serializable {
		iso = table.RepeatableRead
	}
	tx, err := r.s.Begin(r.ctx, table.TxOptions{Isolation: iso, Async: o.Async, LockWait: lockWait})
	if err != nil {
		return err
	}
	r.txs[o.Tx] = &pair{tx: tx, m: r.m.Begin(iso), async: o.Async}
	open := 0
	for _, p := range r.txs {
		if p != nil {
			open++
		}
	}
	r.n.OpenAtOnceMax = max(r.n.OpenAtOnceMax, open)
	return nil
}

func (r *runner) drop(i int) {
	r.txs[i].m.End()
	r.txs[i] = nil
}

func (r *runner) rollbackTo(p *pair, i int) error {
	p.m.RollbackTo(i)
	err := p.saves[i].RollbackTo(r.ctx)
	p.saves = p.saves[:i+1]
	return err
}

func (r *runner) commit(o *op, p *pair) error {
	before, lasts := r.m.Now, r.lasts(p.m)
	wrote, holds := p.m.Wrote(), p.m.Holds()
	r.txs[o.Tx] = nil
	receipt, err := p.tx.Commit(r.ctx)
	if isDependency(err) && p.m.MayBeRefused() {
		if r.n.Refused++; holds {
			r.n.Needless++
		}
		p.m.End()
		return nil
	}
	if err != nil {
		return err
	}
	if p.m.iso == table.Serializable && wrote {
		if r.n.Serialized++; !holds {
			return errors.New("a transaction commits, though what it has read has changed")
		}
	}
	p.m.Commit()
	if r.m.Now == before {
		return nil
	}
	r.n.Commits++
	if receipt.LSN == 0 && lasts {
		return errors.New("commit of changes without an LSN")
	}
	r.later = append(r.later, r.m.Now)
	if !p.async && lasts {
		r.later = []*State{r.m.Now}
	}
	return nil
}

// lasts reports whether a commit changes something that outlives the process: rows of tables other than memory ones,
// or which tables there are.
func (r *runner) lasts(t *Tx) bool {
	for slot, c := range t.own {
		now := t.m.Now.Tables[slot]
		if (c.t == nil) != (now == nil) || c.t != nil && c.t.Gen != now.Gen || len(c.rows) > 0 && r.methods[slot] != "memory" {
			return true
		}
	}
	return false
}

// schema creates and drops tables.
func (r *runner) schema(o *op, p *pair) error {
	if p.m.Stale(o.Slot) {
		return errNotApplicable
	}
	see := p.m.See(o.Slot)
	var code sqlerr.Code
	var err error
	if o.Kind == opCreate {
		if see != nil {
			_, err = p.tx.Schema().Create(r.ctx, definition(o.Slot, o.Shape, r.methods[o.Slot]))
			if err := wantCode(err, sqlerr.DuplicateTable, sqlerr.LockNotAvailable); err != nil {
				return err
			}
			return r.failed(o, p)
		}
		code = p.m.Create(o.Slot, o.Shape)
		_, err = p.tx.Schema().Create(r.ctx, definition(o.Slot, o.Shape, r.methods[o.Slot]))
		if code == sqlerr.DuplicateTable && p.m.iso != table.ReadCommitted {
			code = sqlerr.SerializationFailure
		}
	} else {
		if see == nil {
			return errNotApplicable
		}
		code = p.m.Drop(o.Slot)
		err = p.tx.Schema().Drop(r.ctx, p.tx.Schema().LookupRelation(table.PublicSchema, tableName(o.Slot)).Head().ID)
	}
	if code != "" {
		r.n.Blocked++
		if err := wantCode(err, code); err != nil {
			return err
		}
		return r.failed(o, p)
	}
	return err
}

// failed returns a transaction, in which something failed, to its last savepoint or ends it.
func (r *runner) failed(o *op, p *pair) error {
	if n := len(p.saves); n > 0 && o.N > 0 {
		return r.rollbackTo(p, n-1)
	}
	r.n.Aborts++
	defer r.drop(o.Tx)
	return p.tx.Rollback()
}

// wantCode checks that err carries one of the codes.
func wantCode(err error, codes ...sqlerr.Code) error {
	if got := sqlerr.CodeOf(err); !slices.Contains(codes, got) {
		return fmt.Errorf("got %s (%v), want one of %v", got, err, codes)
	}
	return nil
}

func isEOF(err error) bool { return errors.Is(err, io.EOF) }
