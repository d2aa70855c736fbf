package columnar

import (
	"bytes"

	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/table"
)

// absence says which values of a key the segments of some parts do not have. That stays so as long as these are the parts
// of their incarnation: segments do not get rows, and new rows go to memtables.
type absence struct {
	inc  *incarnation
	p    *parts
	k    int // as segments count keys
	keys *table.Keys
	may  []bool
}

var _ table.AbsenceFinder = (*tableSnapshot)(nil)

// Absent asks the filters of all segments for all values at once.
func (s *tableSnapshot) Absent(k int, keys *table.Keys) table.Absence {
	p := s.inc.cur.Load()
	if len(p.segs) == 0 {
		return nil
	}
	a := &absence{inc: s.inc, p: p, k: s.inc.keyIndex(s.keyNumber(k)), keys: keys, may: make([]bool, keys.Len())}
	hashes := segment.HashKeys(make([]uint64, 0, keys.Len()), keys)
	for _, x := range p.segs {
		if err := x.file.MayHave(a.k, keys, hashes, a.may); err != nil {
			return nil // a look-up meets it again, and can say so
		}
	}
	return a
}

// NewestUniqueGiven finds the newest live row with a value of a key, as NewestUnique does, and need not look for it in
// files that do not have it.
func (s *tableSnapshot) NewestUniqueGiven(k int, key []byte, given table.Absence, i int) (table.RowRef, bool) {
	a, _ := given.(*absence)
	if a != nil && (a.inc != s.inc || a.k != s.inc.keyIndex(s.keyNumber(k)) || a.may[i] || !bytes.Equal(a.keys.At(i), key)) {
		a = nil
	}
	v, found, err := s.inc.newestGiven(s.keyNumber(k), key, a)
	if err != nil {
		s.failed(err)
		return 0, false
	}
	return v.ref, found && v.end == table.MaxLSN
}

// keyNumber returns the number by which memtables know Keys[k]: -1 is the primary key.
func (s *tableSnapshot) keyNumber(k int) int {
	if s.def.Keys[k].Primary {
		return -1
	}
	return k
}

// covers reports whether the value for which an absence was given is in no segment of parts.
func (a *absence) covers(p *parts) bool {
	return a != nil && (a.p == p || invariants.Mutant("columnar-absent-for-good"))
}
