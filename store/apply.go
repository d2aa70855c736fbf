package store

import (
	"context"

	"github.com/laminadb/lamina/catalog"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/txn"
	"github.com/laminadb/lamina/wal"
)

// appliedState is what has been applied so far. It belongs to the goroutine that applies.
type appliedState struct {
	lsn     table.LSN
	time    int64
	catalog *catalog.Catalog
	// garbage counts the row versions that ended since the last Retire.
	garbage int
	// ended counts those that ended since the store was opened.
	ended int64
	// published counts the Views since then.
	published int
}

// The tiers are asked to free something after so many ended row versions, or Views.
const (
	retireRows  = 1024
	retireViews = 64
)

// applyRequest makes a record part of the state: the commit queue's callback.
func (s *Store) applyRequest(r *txn.Request) error {
	if r.LSN == 0 {
		if w, ok := r.State.(*localWork); ok {
			return w.apply(s.applied.lsn)
		}
		return nil
	}
	if invariants.Mutant("store-publish-before-apply") {
		s.applied.lsn = r.LSN
		s.publish(r.LSN, r.End)
	}
	switch c := r.State.(type) {
	case *commit:
		if err := s.applyCopy(r.LSN, c); err != nil {
			return err
		}
		if len(c.moves) > 0 {
			s.moves.add(r.LSN, c.moves)
		}
	case *reservation:
		for _, q := range c.list {
			s.sequences.note(q)
		}
	}
	s.applied.lsn, s.applied.time = r.LSN, r.Time
	return nil
}

// apply makes the changes of the record with an LSN.
func (s *Store) apply(lsn table.LSN, c *change) error {
	if c.next != nil {
		if err := s.define(lsn, c, nil); err != nil {
			return err
		}
	}
	for _, b := range c.hidden {
		s.hidden.define(b)
	}
	for _, q := range c.sequences {
		s.sequences.set(q)
	}
	for i := range c.moved {
		err := c.moved[i].each(context.Background(), func(e *table.Entry) error { return s.applyEntry(lsn, e) })
		if err != nil {
			return err
		}
	}
	for i := range c.entries {
		if err := s.applyEntry(lsn, &c.entries[i]); err != nil {
			return err
		}
	}
	if c.next != nil {
		return s.undefine(lsn, c, nil)
	}
	return nil
}

// applyEntry hands an entry to the tier of its table.
func (s *Store) applyEntry(lsn table.LSN, e *table.Entry) error {
	cat := s.applied.catalog
	def := cat.Table(e.Table)
	if def == nil {
		return corruptedf("entry at LSN %d of table %d, which does not exist", lsn, e.Table)
	}
	t := s.tiers[s.tierOf(def.Method)]
	if _, ok := t.Tier.(table.LoadingTier); e.Op == table.OpLoadRows && !ok {
		return corruptedf("entry at LSN %d of files of table %d, whose tier has none", lsn, e.Table)
	}
	s.applied.garbage += e.Keys.Len()
	s.applied.ended += int64(e.Keys.Len())
	if e.Op == table.OpTruncate {
		s.applied.garbage += retireRows
		s.applied.ended += rowsOf(t.Metrics().ByTable, e.Table)
	}
	return t.Apply(lsn, e)
}

// rowsOf returns how many rows a table has.
func rowsOf(list []table.TableMetrics, id table.ObjectID) int64 {
	for _, t := range list {
		if t.ID == id {
			return t.Rows
		}
	}
	return 0
}

// define tells the tiers of the tables that are new, or have a new definition, after c. From here on
// the entries of c find them. In a recovery only the tiers in defined are told, the others later.
func (s *Store) define(lsn table.LSN, c *change, defined []bool) error {
	before := s.applied.catalog
	for i := range c.schema {
		id := c.schema[i].ID
		if _, ok := before.ByID(id).(*table.SequenceDef); ok && c.next.ByID(id) == nil {
			s.sequences.drop(id)
		}
		was, now := before.Table(id), c.next.Table(id)
		if was != nil && (now == nil || now.Method != was.Method) {
			if c.dropped == nil {
				c.dropped = make(map[table.ObjectID]*table.TableDef)
			}
			c.dropped[id] = was
		}
		if now == nil || was == now {
			continue
		}
		if last := lastPut(c.schema, id); last != i {
			continue // one definition a record
		}
		t := s.tierOf(now.Method)
		if t < 0 {
			return corruptedf("table %d has the unknown access method \"%s\"", id, now.Method)
		}
		if defined == nil || defined[t] {
			if err := s.tiers[t].Define(lsn, now); err != nil {
				return err
			}
		}
		if now.PrimaryKey() == nil && s.hidden.find(id) == nil {
			s.hidden.define(hiddenBlock{id, 1})
		}
	}
	s.applied.catalog = c.next
	return nil
}

func lastPut(changes []catalog.Change, id table.ObjectID) int {
	for i := len(changes) - 1; i >= 0; i-- {
		if changes[i].ID == id && changes[i].Op == catalog.Put {
			return i
		}
	}
	return -1
}

// undefine drops the tables that c dropped, and from their former tiers those that it moved to others.
func (s *Store) undefine(lsn table.LSN, c *change, defined []bool) error {
	for i := range c.schema {
		def := c.dropped[c.schema[i].ID]
		if def == nil {
			continue
		}
		delete(c.dropped, def.ID)
		if c.next.Table(def.ID) != nil && invariants.Mutant("store-keep-moved-rows") {
			continue
		}
		if t := s.tierOf(def.Method); defined == nil || defined[t] {
			if err := s.tiers[t].Drop(lsn, def.ID); err != nil {
				return err
			}
		}
		if c.next.Table(def.ID) == nil {
			s.hidden.drop(def.ID)
			s.analyses.drop(def.ID)
		}
		s.compiled.Delete(def.ID)
		s.spares.forget(def.ID)
	}
	return nil
}

// publish makes what was applied visible: the commit queue's callback.
func (s *Store) publish(lsn table.LSN, pos wal.Position) {
	st := s.snapshot(lsn)
	s.latest.Store(st.catalog)
	s.views.Publish(st, lsn, pos)
	s.sweeps.run(lsn, s.views.Watermark())
	if s.applied.published++; s.applied.garbage >= retireRows || s.applied.published >= retireViews {
		s.applied.garbage, s.applied.published = 0, 0
		s.retire(lsn)
	}
}

// snapshot returns the state at the LSN that was applied last.
func (s *Store) snapshot(lsn table.LSN) *state {
	st := &state{catalog: s.applied.catalog, time: s.applied.time, ended: s.applied.ended, tiers: make([]table.TierSnapshot, len(s.tiers))}
	for i := range s.tiers {
		at := lsn
		if i > 0 && invariants.Mutant("store-older-tier") {
			at-- // its rows of the last commit are missing
		}
		st.tiers[i] = s.tiers[i].Snapshot(at)
	}
	return st
}

// retire lets the tiers free what no View can see. It belongs to the goroutine that applies.
func (s *Store) retire(lsn table.LSN) {
	watermark := s.views.Watermark()
	for i := range s.tiers {
		s.tiers[i].Retire(lsn, watermark)
	}
	s.moves.forget(watermark)
}
