package store

import (
	"context"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/table"
)

// copyBytesMin is the size from which on room for the copy of a write set is reserved: below it the rows of many commits
// share the slabs that tables have.
const copyBytesMin = 64 << 10

// copyMore: rows take half as much again in a table, for what is left free in its slabs, and for its indexes.
const copyMore = 2

// copyBytes is about what rows in memory grow by when the write set is applied, beside which it is still there, and the tier
// that has them; 0 if it is little, or not known: tables that are rewritten take the place of others.
func (c *commit) copyBytes() (n int64, in *tier) {
	t := c.tx
	if t.mem == nil || len(c.schema) > 0 || len(c.moved) > 0 {
		return 0, nil
	}
	if n = t.mem.Used(); n < copyBytesMin {
		return 0, nil
	}
	for i := range c.entries {
		e := &c.entries[i]
		if e.Rows == nil || e.Rows.N == 0 {
			continue
		}
		if def := t.s.newest().Table(e.Table); def != nil {
			if in := &t.s.tiers[t.s.tierOf(def.Method)]; in.copies != nil {
				return n + n/copyMore, in
			}
		}
	}
	return 0, nil
}

// reserveCopy reserves the memory that applying takes: then nothing can be refused any more. Where rows leave memory, it waits
// for flushes as a statement does, and for as long; if it is not there then, the copy goes beyond the limit until it is
// flushed, too. Rows of memory tables stay: they are refused with 53200. The commit is not yet in the queue, and what its
// statements have read is given up, so that it keeps nobody's memory but what a REPEATABLE READ transaction reads.
func (c *commit) reserveCopy(ctx context.Context) error {
	n, in := c.copyBytes()
	if n == 0 || invariants.Mutant("store-copy-for-nothing") {
		return nil
	}
	reserve := func() error { return c.tx.s.memFor[0].Reserve(n) }
	refused := reserve()
	if refused != nil && in.relieve == nil {
		return refused
	}
	refused, err := untilRoom(ctx, refused, func(err error) bool { return err != nil }, in.relieve, reserve)
	if err != nil {
		return err
	}
	if refused == nil {
		c.copied.Store(n)
		c.copiedTo = in.copies
	}
	return nil
}

// releaseCopy gives back what was reserved and not handed to a tier.
func (c *commit) releaseCopy() {
	if n := c.copied.Swap(0); n > 0 {
		c.tx.s.memFor[0].Release(n)
	}
}

// applyCopy applies what was committed, with the memory that was reserved for that.
func (s *Store) applyCopy(lsn table.LSN, c *commit) error {
	if n := c.copied.Swap(0); n > 0 {
		s.memFor[0].Hand(c.copiedTo, n)
		defer c.copiedTo.TakeBack()
	}
	return s.apply(lsn, &c.change)
}
