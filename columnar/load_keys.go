package columnar

import (
	"bytes"
	"context"

	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// A load finds rows with the same key within a run when the run is written. Between runs, and among other rows of the
// table, it looks only where the ranges of the keys have something in common: there each key of a segment is sought.

// checkKeys checks that the keys of segments are different from each other, and from those that are taken.
func (l *load) checkKeys(ctx context.Context, segs []*seg, taken []table.KeySet) error {
	for i, s := range segs {
		for k := range l.def.Keys {
			at := l.inc.keyIndex(k)
			first, last, ok := s.file.KeyBounds(at)
			if !ok {
				continue
			}
			c := keyCheck{l: l, s: s, k: k, at: at}
			for _, o := range segs[:i] {
				if o.reaches(at, first, last) {
					c.others = append(c.others, o)
				}
			}
			for _, set := range taken {
				if set.MayHave(k, first, last) && !invariants.Mutant("columnar-load-ignore-rows") {
					c.taken = append(c.taken, set)
				}
			}
			if len(c.others)+len(c.taken) == 0 {
				continue
			}
			if err := c.run(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// keyCheck seeks the values of a key that a segment has elsewhere.
type keyCheck struct {
	l      *load
	s      *seg
	k, at  int // the key's number in the definition and in segments
	others []*seg
	taken  []table.KeySet
	key    []byte
	found  []uint32
}

func (c *keyCheck) run(ctx context.Context) error {
	cols := c.l.def.Keys[c.k].Columns
	places := make([]int, len(cols))
	for i := range places {
		places[i] = i
	}
	return c.s.each(ctx, cols, func(b *vec.Batch) error {
		for i := range b.N {
			var ok bool
			if c.key, ok = index.AppendBatch(c.key[:0], b, places, i); !ok {
				continue // a NULL is equal to nothing
			}
			there, err := c.there()
			if err != nil {
				return err
			}
			if there {
				return duplicateKey(c.k, b, places, i)
			}
		}
		return nil
	})
}

// there reports whether another row has the key.
func (c *keyCheck) there() (bool, error) {
	for _, o := range c.others {
		var err error
		if c.found, err = o.file.Lookup(c.found[:0], c.at, c.key); err != nil || len(c.found) > 0 {
			return true, err
		}
	}
	for _, set := range c.taken {
		if there, err := set.Has(c.k, c.key); there || err != nil {
			return there, err
		}
	}
	return false, nil
}

// duplicateKey is the error of a key that row i of a batch has, in some columns, and another row too.
func duplicateKey(k int, b *vec.Batch, cols []int, i int) error {
	values := make(types.Row, len(cols))
	for j, c := range cols {
		values[j] = b.BatchDatum(c, i)
		values[j].S = string([]byte(values[j].S)) // the batch goes
	}
	return &table.DuplicateKeyError{Key: k, Values: values}
}

// duplicateIn is the error of a value that rows of a run have in key number at of segments.
func (l *load) duplicateIn(r *run, at int, key []byte) error {
	for k := range l.def.Keys {
		if l.inc.keyIndex(k) != at || at == 0 && !l.def.Keys[k].Primary {
			continue
		}
		cols := l.def.Keys[k].Columns
		var own []byte
		for _, bb := range r.list {
			b := bb.Batch()
			for i := range b.N {
				var ok bool
				if own, ok = index.AppendBatch(own[:0], b, cols, i); ok && bytes.Equal(own, key) {
					return duplicateKey(k, b, cols, i)
				}
			}
		}
	}
	return sqlerr.Newf(sqlerr.InternalError, "table %s: a key of a load is in none of its rows", l.def.Name)
}

// each calls f with some columns of all rows of a segment, of which none was deleted.
func (s *seg) each(ctx context.Context, cols []int, f func(rows *vec.Batch) error) error {
	sc, err := s.file.Scan(segment.ScanSpec{Cols: cols, NoCache: true})
	if err != nil {
		return err
	}
	defer sc.Close()
	var b vec.Batch
	for sc.Next() {
		if ctx.Err() != nil {
			return sqlerr.Canceled(ctx)
		}
		if err := sc.Batch(&b); err != nil {
			return err
		}
		if err := f(&b); err != nil {
			return err
		}
	}
	return nil
}

// MayHaveKeys reports whether live rows may have values of Keys[k] between two, these included. Nobody else writes to the
// table meanwhile.
func (s *tableSnapshot) MayHaveKeys(k int, first, last []byte) bool {
	p := s.inc.cur.Load()
	for _, m := range p.mems {
		if m.Live() > 0 {
			return true
		}
	}
	for _, x := range p.segs {
		if x.reaches(s.inc.keyIndex(k), first, last) {
			return true
		}
	}
	return false
}
