package lsm

import (
	"context"

	"github.com/cockroachdb/pebble/v2"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// Verify reads all entries, and with them every block of every file, and checks that rows, references, counts and sizes agree.
// report returns false to stop.
func (t *Tier) Verify(ctx context.Context, report func(table.Damage) bool) (entries int, err error) {
	p := t.pins.newest() // also after a failure
	if p == nil {
		return 0, nil
	}
	defer t.pins.drop(p)
	v := &verifier{ctx: ctx, t: t, s: p.s}
	err = v.all()
	if err != nil && sqlerr.CodeOf(err) == sqlerr.DataCorrupted {
		file, _, ok := table.PlaceOf(err)
		if !ok {
			file = t.o.Dir
		}
		report(table.Damage{File: file, Err: err})
		err = nil
	}
	return v.entries, err
}

type verifier struct {
	ctx     context.Context
	t       *Tier
	s       *pebble.Snapshot
	entries int
	// rows, refs and bytes count those of the incarnation being read.
	inc               uint64
	rows, refs, bytes int64
}

func (v *verifier) all() (err error) {
	it, err := v.s.NewIter(nil)
	if err != nil {
		return pebbleError("verify", err)
	}
	defer func() { err = closeAfter(it, err) }()
	metas := map[uint64]tableMeta{}
	for ok := it.First(); ok; ok = it.Next() {
		if v.entries++; v.entries%1024 == 0 && v.ctx.Err() != nil {
			return sqlerr.Canceled(v.ctx)
		}
		value, err := it.ValueAndErr()
		if err != nil {
			return pebbleError("verify", err)
		}
		if err := v.entry(it.Key(), value, metas); err != nil {
			return err
		}
	}
	if err := it.Error(); err != nil {
		return pebbleError("verify", err)
	}
	if err := v.incarnation(0, metas); err != nil {
		return err
	}
	for inc, m := range metas {
		if m.live != 0 || m.bytes != 0 {
			return corruptedf("LSM tree: incarnation %d has no rows, but %d of %d bytes are counted", inc, m.live, m.bytes)
		}
	}
	return nil
}

func (v *verifier) entry(key, value []byte, metas map[uint64]tableMeta) error {
	switch key[0] {
	case spaceMark:
		_, err := decodeMark(value)
		return err
	case spaceTable:
		m, err := decodeMeta(value)
		metas[m.inc] = m
		return err
	case spaceSample:
		return (&sample{}).decode(value)
	case spaceRows:
		if len(key) < rowPrefixBytes {
			return corruptedf("LSM tree: a key of %d bytes", len(key))
		}
		if inc := be.Uint64(key[1:]); inc != v.inc {
			if err := v.incarnation(inc, metas); err != nil {
				return err
			}
		}
		return v.rowEntry(key, value)
	}
	return corruptedf("LSM tree: a key that begins with %#x", key[0])
}

// incarnation ends one incarnation and begins another.
func (v *verifier) incarnation(inc uint64, metas map[uint64]tableMeta) error {
	if v.inc != 0 {
		m, known := metas[v.inc]
		delete(metas, v.inc)
		if !known || m.live != v.rows || v.rows != v.refs || m.bytes != v.bytes {
			return corruptedf("LSM tree: incarnation %d has %d rows, %d references and %d bytes, but %d rows and %d bytes are counted",
				v.inc, v.rows, v.refs, v.bytes, m.live, m.bytes)
		}
	}
	v.inc, v.rows, v.refs, v.bytes = inc, 0, 0, 0
	return nil
}

func (v *verifier) rowEntry(key, value []byte) error {
	own := key[rowPrefixBytes:]
	v.bytes += int64(len(key) + len(value))
	switch key[rowPrefixBytes-1] {
	case kindRow:
		v.rows++
		row, err := parseRow(v.inc, own, value)
		if err != nil {
			return err
		}
		found, err := valueOf(v.s, func(to []byte) error {
			if string(to) != string(own) {
				return corruptedf("LSM tree: reference %d leads to another row", row.ref)
			}
			return nil
		}, func(dst []byte) []byte { return appendRefKey(dst, v.inc, row.ref) })
		if err == nil && !found {
			err = corruptedf("LSM tree: reference %d leads nowhere", row.ref)
		}
		return err
	case kindRef:
		v.refs++
		return nil
	case kindUnique:
		found, err := valueOf(v.s, func([]byte) error { return nil }, func(dst []byte) []byte { return appendRowKey(dst, v.inc, value) })
		if err == nil && !found {
			err = corruptedf("LSM tree: an entry of a unique key leads nowhere")
		}
		return err
	}
	return corruptedf("LSM tree: an entry of kind %d", key[rowPrefixBytes-1])
}
