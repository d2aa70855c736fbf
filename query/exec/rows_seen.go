package exec

import (
	"slices"

	"github.com/laminadb/lamina/types"
)

// rowsSeen is a set of rows, for which equal is what = says, and NULLs are equal.
type rowsSeen struct {
	rows  []seenRow
	heads []int32 // by hash: 1 + the first row
	bytes int64
}

type seenRow struct {
	hash uint64
	row  types.Row
	next int32
}

// add adds a row, and reports whether it is new.
func (s *rowsSeen) add(t memTracker, row types.Row) (bool, error) {
	if len(s.rows) >= len(s.heads) {
		s.grow()
	}
	hash := hashRow(row)
	head := &s.heads[hash%uint64(len(s.heads))]
	for i := *head; i != 0; i = s.rows[i-1].next {
		if e := &s.rows[i-1]; e.hash == hash && slices.EqualFunc(e.row, row, sameValue) {
			return false, nil
		}
	}
	size := int64(memoEntryBytes)
	for _, d := range row {
		size += memoDatumBytes + int64(len(d.S))
	}
	if err := t.Reserve(size); err != nil {
		return false, err
	}
	s.bytes += size
	s.rows = append(s.rows, seenRow{hash: hash, row: slices.Clone(row), next: *head})
	*head = int32(len(s.rows))
	return true, nil
}

// sameValue is IS NOT DISTINCT FROM.
func sameValue(a, b types.Datum) bool {
	return a.Valid == b.Valid && (!a.Valid || types.Equal(a, b))
}

func (s *rowsSeen) grow() {
	s.heads = make([]int32, max(2*len(s.heads), memoHeads))
	for i := range s.rows {
		e := &s.rows[i]
		head := &s.heads[e.hash%uint64(len(s.heads))]
		e.next, *head = *head, int32(i+1)
	}
}

func (s *rowsSeen) free(t memTracker) {
	t.Release(s.bytes)
	*s = rowsSeen{}
}
