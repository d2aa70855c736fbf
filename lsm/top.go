package lsm

import (
	"bytes"

	"github.com/cockroachdb/pebble/v2"

	"github.com/laminadb/lamina/internal/invariants"
)

// raise notes the key of a row that is applied.
func (d *data) raise(key []byte) {
	if bytes.Compare(key, d.greatest) > 0 {
		d.greatest = append(d.greatest[:0], key...)
	}
}

// announce makes the greatest key known, before Pebble has its row.
func (d *data) announce() {
	if p := d.top.Load(); d.greatest != nil && (p == nil || bytes.Compare(d.greatest, *p) > 0) {
		key := bytes.Clone(d.greatest)
		d.top.Store(&key)
	}
}

// above reports whether a key is greater than any that a row has ever had: rows that come in the order of their keys need not
// be looked for.
func (d *data) above(key []byte) bool {
	p := d.top.Load()
	if p != nil && invariants.Mutant("lsm-top-is-new") {
		return bytes.Compare(key, *p) >= 0
	}
	return p == nil || bytes.Compare(key, *p) > 0
}

// readTop learns the greatest key of a table that was there when the tier was opened.
func (t *Tier) readTop(d *data) error {
	if err := t.settleLoad(); err != nil {
		return err
	}
	var r pebble.Reader = t.db.Load()
	if b := t.write.batch; b != nil {
		r = b
	}
	it, err := r.NewIter(&pebble.IterOptions{
		LowerBound: appendPrefix(nil, d.inc, kindRow), UpperBound: appendPrefix(nil, d.inc, kindRow+1),
	})
	if err != nil {
		return pebbleError("read", err)
	}
	if it.Last() {
		d.raise(it.Key()[rowPrefixBytes:])
		d.announce()
	}
	return closeAfter(it, pebbleError("read", it.Error()))
}
