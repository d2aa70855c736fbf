package lsm

import (
	"cmp"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/laminadb/lamina/internal/invariants"
)

// Files that Pebble makes end where one kind of entries of a large table ends. New rows mostly go to the end of their
// table, so that without this a file would have the end of one and the beginning of the next, and with the mark also the
// beginning of all: a range that covers nearly everything, of which a compaction into the level below rewrites all files,
// for a few rows each. Small tables share files: there would be too many otherwise.
const (
	// spanBytesMin is the size from which on a table is large, unless its files would be larger.
	spanBytesMin = 4 << 20
	// spansMax bounds the number of large tables, and with it that of the files of a flush.
	spansMax = 16
)

// spans are the incarnations that are large, in order.
type spans []uint64

// largeTables returns what is large now.
func (t *Tier) largeTables() spans {
	var list []*data
	for _, s := range *t.tables.Load() {
		if s.d.bytes.Load() >= min(spanBytesMin, t.o.MemtableBytes) {
			list = append(list, s.d)
		}
	}
	if len(list) > spansMax {
		slices.SortFunc(list, func(a, b *data) int { return cmp.Compare(b.bytes.Load(), a.bytes.Load()) })
		list = list[:spansMax]
	}
	large := make(spans, len(list))
	for i, d := range list {
		large[i] = d.inc
	}
	slices.Sort(large)
	return large
}

// end returns the key before which a file ends that begins with a key; nil: nowhere in particular.
func (s spans) end(first []byte) []byte {
	inc, kind := uint64(0), byte(kindRow) // the mark and what is known of tables come before all incarnations
	if len(first) >= rowPrefixBytes-1 && first[0] == spaceRows {
		inc = be.Uint64(first[1:])
		if len(first) >= rowPrefixBytes { // else the range of an incarnation that is removed
			kind = first[rowPrefixBytes-1]
		}
	}
	i, large := slices.BinarySearch(s, inc)
	switch {
	case large && kind < kindUnique:
		return appendPrefix(nil, inc, kind+1)
	case large:
		_, to := incarnationRange(inc)
		return to
	case i < len(s):
		from, _ := incarnationRange(s[i])
		return from
	}
	return nil
}

// span is asked for each file that a flush or a compaction begins.
func (t *Tier) span(first []byte) (p pebble.SpanPolicy, end []byte, err error) {
	if !invariants.Mutant("lsm-files-across-tables") {
		end = t.largeTables().end(first)
	}
	return p, end, nil
}
