package tabletest

import (
	"fmt"
	"math/rand/v2"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/table"
)

// reopen closes the storage and opens it again.
func (r *runner) reopen() error {
	if r.fs == nil {
		return errNotApplicable
	}
	r.n.Reopens++
	for i, p := range r.txs {
		if p != nil {
			if err := p.tx.Rollback(); err != nil {
				return err
			}
			r.drop(i)
		}
	}
	if err := r.s.Close(); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	if err := r.start(); err != nil {
		return err
	}
	return r.restart([]*State{r.m.Now})
}

// crash takes the power away: what was not synced may be lost.
func (r *runner) crash(o *op) error {
	if r.fs == nil {
		return errNotApplicable
	}
	r.n.Crashes++
	rng := rand.New(rand.NewPCG(o.Seed, 1))
	clone := r.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
	for i, p := range r.txs {
		if p != nil {
			_ = p.tx.Rollback() // of a process that is gone
			r.drop(i)
		}
	}
	_ = r.s.Close()
	r.fs = clone
	if err := r.start(); err != nil {
		return fmt.Errorf("open after a crash: %w", err)
	}
	return r.restart(r.later)
}

// restart finds the state that a storage was opened with among those it may have, newest first.
func (r *runner) restart(candidates []*State) (err error) {
	for i := len(candidates) - 1; i >= 0; i-- {
		s := r.survivors(candidates[i])
		if err = r.compareAll(s); err == nil {
			if i < len(candidates)-1 {
				r.n.Lost++
			}
			r.m.Now, r.later = s, []*State{s}
			return nil
		}
	}
	return fmt.Errorf("%d states are possible; the oldest differs: %w", len(candidates), err)
}

// survivors returns a state without the rows that end with the process.
func (r *runner) survivors(s *State) *State {
	out := &State{Seq: s.Seq, Tables: map[int]*Table{}}
	for slot, t := range s.Tables {
		if r.methods[slot] == "memory" {
			t = newTable(t.Gen, t.Shape)
		}
		out.Tables[slot] = t
	}
	return out
}

// compareAll compares all tables with a committed state.
func (r *runner) compareAll(s *State) error {
	tx, err := r.s.Begin(r.ctx, table.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for slot := range tableSlots {
		o := tx.Schema().LookupRelation(table.PublicSchema, tableName(slot))
		if t := s.Tables[slot]; t == nil || o == nil {
			if t != nil || o != nil {
				return fmt.Errorf("table %d: %v in the model, %v in the storage", slot, t, o)
			}
			continue
		}
		st, err := tx.Statement(r.ctx)
		if err != nil {
			return err
		}
		err = r.scan(st, o.Head().ID, s.Tables[slot], table.ScanSpec{Refs: true})
		if err := st.Close(err); err != nil {
			return fmt.Errorf("table %d: %w", slot, err)
		}
	}
	return nil
}
