package store

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// The rows of a bulk load into a tier that can write them to files ahead of the commit do not go through the write set and
// the log: the record of the commit names the files. The transaction has such rows as a part of its write set that cannot
// be read or changed. Before it looks at the table again they become ordinary rows of the write set (settle).

// loadPart are the rows of a bulk load that are in files, or on their way there.
type loadPart struct {
	of      *Writer
	command uint32
	log     int              // its place in the log of the write set
	load    table.TierLoad   // nil: it has finished
	rows    table.LoadedRows // nil: it has not
	err     error            // rows were lost on their way to the write set
	gone    bool             // undone, or settled
}

// direct returns the tier that may take the rows of the load from here on, nil if they go to the write set.
func (l *loader) direct() table.LoadingTier {
	w, ws, t := l.w, l.w.tt.w, l.w.st.tx
	tier, ok := t.s.tiers[t.s.tierOf(w.def.Method)].Tier.(table.LoadingTier)
	if !ok || !l.alone || t.s.log == nil || max(l.expected, l.out.Rows) < int64(tier.LoadRowsMin()) {
		return nil
	}
	if t.reads != nil || len(w.def.Foreign)+len(w.referrers) > 0 || len(ws.ended) > 0 || ws.rewritten || ws.before != nil {
		return nil
	}
	if t.overlay != nil && !w.tt.created && t.overlay.Base().Table(w.def.ID) != t.overlay.Catalog().Table(w.def.ID) {
		return nil
	}
	if slices.ContainsFunc(ws.parts, func(p *loadPart) bool { return p.load != nil }) {
		return nil // of another load
	}
	return tier
}

// appendPart adds rows to the part of the load, which begins with the first of them. False: they are to go to the write set.
func (l *loader) appendPart(ctx context.Context, rows *vec.Batch) (bool, error) {
	w, ws := l.w, l.w.tt.w
	if l.part != nil && l.part.gone {
		l.part = nil
	}
	if l.part == nil {
		tier := l.direct()
		if tier == nil {
			return false, nil
		}
		l.part = &loadPart{of: w, command: w.st.command, log: len(ws.log), load: tier.Load(w.def)}
		ws.parts = append(ws.parts, l.part)
		ws.log = append(ws.log, writeRec{op: recLoad})
	}
	if err := w.checkKeyLengths(rows); err != nil {
		return true, err
	}
	hidden, err := w.st.tx.hiddenKeys(ctx, w.def, rows.N)
	if err != nil {
		return true, err
	}
	if hidden != nil {
		v := vec.Vector{Type: types.T(types.Int8), Width: 8, N: len(hidden), Data: vec.DataOf(hidden), NullBit: -1}
		rows = &vec.Batch{N: rows.N, Groups: append(slices.Clone(rows.Groups), vec.Group{Cols: []vec.Vector{v}})}
	}
	if err := w.patiently(ctx, func() error { return l.part.load.Append(ctx, rows) }); err != nil {
		return true, w.loadError(err)
	}
	ws.inserted += int64(rows.N)
	l.out.Rows += int64(rows.N)
	return true, nil
}

// checkKeyLengths refuses keys that no index takes.
func (w *Writer) checkKeyLengths(b *vec.Batch) error {
	for k := range w.def.Keys {
		cols := w.def.Keys[k].Columns
		if !slices.ContainsFunc(cols, func(c int) bool { return w.def.Columns[c].Type.Class() == types.ClassString }) {
			continue
		}
		for i := range b.N {
			key, ok := index.AppendBatch(w.key[:0], b, cols, i)
			if w.key = key; !ok {
				continue
			}
			if err := checkKeyLength(w.def, k, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// loadError says of a key that more than one row has which one it is.
func (w *Writer) loadError(err error) error {
	if d, ok := errors.AsType[*table.DuplicateKeyError](err); ok {
		return w.st.tx.s.errDuplicate(w.st.tx, w.def, d.Key, d.Values)
	}
	return err
}

// finish makes the rows of a part durable, but for some that are too few: those go to the write set.
func (p *loadPart) finish(ctx context.Context) error {
	if p.load == nil || p.gone || p.err != nil {
		return p.err
	}
	w := p.of
	p.err = p.load.Rest(func(rows *vec.Batch) error {
		rows.Groups[0].Cols = rows.Groups[0].Cols[:len(w.def.Columns)]
		out, err := w.insert(ctx, rows, table.OnConflict{Key: -1}, false)
		w.tt.w.inserted -= out.Rows // they were counted
		return err
	})
	if p.err != nil {
		return p.err
	}
	rows, err := p.load.Finish(ctx, &ownKeys{w.tt.w, map[int][2][]byte{}}, &committedKeys{w})
	if err != nil {
		return w.loadError(err)
	}
	p.load, p.rows = nil, rows
	return w.st.tx.s.readable()
}

// drop removes the rows.
func (p *loadPart) drop() {
	p.gone = true
	if p.load != nil {
		p.load.Abort()
	}
	if p.rows != nil {
		p.rows.Drop()
	}
	p.load, p.rows = nil, nil
}

// ownKeys are the keys of the rows in a write set.
type ownKeys struct {
	w *writes
	// bounds are the least and the greatest of each of Keys that was asked for.
	bounds map[int][2][]byte
}

// MayHave reports whether rows may have values of Keys[k] between two.
func (o *ownKeys) MayHave(k int, first, last []byte) bool {
	t := &o.w.keys[k]
	if len(t.entries) == 0 {
		return false
	}
	b, known := o.bounds[k]
	if !known {
		b = [2][]byte{t.key(0), t.key(0)}
		for i := range t.entries {
			key := t.key(int32(i))
			if bytes.Compare(key, b[0]) < 0 {
				b[0] = key
			}
			if bytes.Compare(key, b[1]) > 0 {
				b[1] = key
			}
		}
		o.bounds[k] = b
	}
	return bytes.Compare(b[0], last) <= 0 && bytes.Compare(first, b[1]) <= 0
}

// Has reports whether a row has a value of Keys[k].
func (o *ownKeys) Has(k int, key []byte) (bool, error) { return o.w.liveWith(k, key) > 0, nil }

// committedKeys are the keys of committed rows, none of which the transaction has ended.
type committedKeys struct{ w *Writer }

// MayHave reports whether rows may have values of Keys[k] between two.
func (c *committedKeys) MayHave(k int, first, last []byte) bool {
	if c.w.tt.created || c.w.tt.w.truncated != 0 {
		return false
	}
	ts := c.w.st.current(c.w.def)
	if x, ok := ts.(interface {
		MayHaveKeys(k int, first, last []byte) bool
	}); ok {
		return x.MayHaveKeys(k, first, last)
	}
	return ts != nil
}

// Has reports whether a row has a value of Keys[k].
func (c *committedKeys) Has(k int, key []byte) (bool, error) {
	_, found := c.w.committed(k, key)
	return found, nil
}

// finishLoads finishes what a statement has loaded.
func (st *Statement) finishLoads() error {
	for _, tt := range st.tx.tables {
		if tt.w == nil {
			continue
		}
		for _, p := range tt.w.parts {
			if p.command == st.command {
				if err := p.finish(st.ctx); err != nil { // a writer was opened
					return err
				}
			}
		}
	}
	return nil
}

// settleOpen settles the loads that have not finished: there is to be a mark in the middle of them.
func (t *Tx) settleOpen(ctx context.Context) error {
	for _, tt := range t.tables {
		if tt.w != nil && slices.ContainsFunc(tt.w.parts, func(p *loadPart) bool { return p.load != nil }) {
			if err := tt.settle(ctx, t.command+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// settle makes the rows that statements before a command have loaded ordinary rows of the write set.
func (tt *txTable) settle(ctx context.Context, command uint32) error {
	if tt.w == nil || len(tt.w.parts) == 0 || invariants.Mutant("store-keep-loads") {
		return nil
	}
	for _, p := range slices.Clone(tt.w.parts) {
		if p.command >= command {
			continue
		}
		err := p.finish(ctx)
		if err == nil {
			err = tt.w.settle(ctx, p)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// settle reads the rows of a part. After an error the write set is as before.
func (w *writes) settle(ctx context.Context, p *loadPart) error {
	first := w.rows
	var key []byte
	err := p.rows.Each(ctx, func(rows *vec.Batch) error {
		for k := range w.keys {
			for i := range rows.N {
				var ok bool
				if key, ok = index.AppendBatch(key[:0], rows, w.def.Keys[k].Columns, i); ok {
					w.keys[k].add(key, w.rows+int32(i))
				}
			}
		}
		err := w.put(p.command, rows, nil, nil)
		if err == nil {
			err = w.reserve()
		}
		return err
	})
	if err != nil {
		for w.rows > first {
			w.dropLast()
		}
		w.dropKeys(first)
		return errors.Join(err, w.reserve())
	}
	w.log[p.log] = writeRec{op: recInsert, row: first, was: w.rows - first}
	w.parts = slices.DeleteFunc(w.parts, func(x *loadPart) bool { return x == p })
	p.drop()
	return nil
}

// undoPart drops the part at a place of the log.
func (w *writes) undoPart(at int) {
	w.parts = slices.DeleteFunc(w.parts, func(p *loadPart) bool {
		if p.log == at {
			p.drop()
		}
		return p.log == at
	})
}

// loadEntries appends entries for what was loaded.
func (w *writes) loadEntries(dst []table.Entry, def *table.TableDef) []table.Entry {
	for _, p := range w.parts {
		dst = append(dst, table.Entry{Table: def.ID, Version: def.Version, Op: table.OpLoadRows, Load: p.rows.Record(), Loaded: p.rows})
	}
	return dst
}
