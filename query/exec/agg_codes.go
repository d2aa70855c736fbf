package exec

import (
	"unsafe"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/vec"
)

// codeTable finds the groups of rows whose keys are all codes of one byte: an array over the combinations of the
// codes. It learns from rows that were grouped by their keys, and forgets when a dictionary changes.
type codeTable struct {
	ids   []uint32 // of each combination; codeUnknown: not seen yet
	dicts []*vec.Dictionary
	t     *groupTable
	n     int // combinations
	ready bool
	noted bool
}

// codeUnknown is in no group's number.
const codeUnknown = 1 << 31

// Limits of a codeTable.
const (
	codeKeysMax = 4
	codesMin    = 1 << 13 // that there is room for at first
	codesMax    = 1 << 16
)

// prepare makes the table one for the dictionaries of vs; false if the keys are not all such codes.
func (c *codeTable) prepare(vs []*vec.Vector, rows int, t *groupTable, ar *arena) (bool, error) {
	if len(vs) == 0 || len(vs) > codeKeysMax {
		return false, nil
	}
	n, same := 1, c.ready && c.t == t && len(c.dicts) == len(vs)
	for j, v := range vs {
		if v.Form != vec.Dict || v.Width != 1 || hasNulls(v, rows) {
			return false, nil
		}
		if n *= v.Dictionary.Values.N; n > codesMax {
			return false, nil
		}
		same = same && c.dicts[j] == v.Dictionary
	}
	if same {
		return true, nil
	}
	if cap(c.ids) < n {
		room := codesMin
		for room < n {
			room *= 2
		}
		var err error
		if c.ids, err = makeSlice[uint32](ar, room); err != nil {
			return false, err
		}
		c.dicts = make([]*vec.Dictionary, len(vs))
	}
	for j, v := range vs {
		c.dicts[j] = v.Dictionary
	}
	c.n, c.t, c.ready = n, t, true
	c.ids = c.ids[:n]
	if !invariants.Mutant("agg-codes-of-another-dictionary") {
		for i := range c.ids {
			c.ids[i] = codeUnknown
		}
	}
	return true, nil
}

// find sets codes to the groups of rows; false if not all are known.
func (c *codeTable) find(vs []*vec.Vector, codes []uint32) bool {
	n := len(codes)
	if len(vs) == 1 {
		return kernel.LookupCodes(codes, c.ids, codesOf(vs[0], n)) < codeUnknown
	}
	a, b := codesOf(vs[0], n), codesOf(vs[1], n)
	if len(vs) == 2 {
		return kernel.LookupCodes2(codes, c.ids, a, b, vs[1].Dictionary.Values.N) < codeUnknown
	}
	kernel.CombineCodes2(codes, a, b, vs[1].Dictionary.Values.N)
	for _, v := range vs[2:] {
		kernel.CombineCodes(codes, codesOf(v, n), v.Dictionary.Values.N)
	}
	return kernel.LookupCombined(codes, c.ids) < codeUnknown
}

// learn takes over the groups of rows: of the rows in sel, or of all.
func (c *codeTable) learn(vs []*vec.Vector, sel []uint16, codes []uint32) {
	for k, id := range codes {
		i := k
		if sel != nil {
			i = int(sel[k])
		}
		at := 0
		for _, v := range vs {
			at = at*v.Dictionary.Values.N + int(*(*uint8)(unsafe.Add(v.Data, i)))
		}
		c.ids[at] = id
	}
}

func codesOf(v *vec.Vector, n int) []uint8 { return unsafe.Slice((*uint8)(v.Data), n) }

// groupByCodes finds the groups of the first rows rows by the codes of their keys; false if that cannot be done.
// learn is set if the groups, once they are found otherwise, are worth learning.
func (l *aggLocal) groupByCodes(rows int, codes []uint32) (found, learn bool, err error) {
	c := &l.byCode
	keys := l.vs[:l.a.nk]
	if ok, err := c.prepare(keys, rows, l.t, &l.w.arena); !ok || err != nil {
		return false, false, err
	}
	if !c.find(keys, codes[:rows]) {
		return false, true, nil
	}
	if !c.noted {
		c.noted = true
		l.a.stats.noteMost("groups found by an array of %d slots: the keys are codes of dictionaries", c.n)
	}
	l.run.open = false
	l.t.seen += int64(rows)
	return true, false, l.t.reserve(1)
}
