package tabletest

import (
	"slices"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// filters are the same set of keys, exact and hashed.
func filters(keys []int64) map[string]*table.Filter {
	lo, hi := slices.Min(keys), slices.Max(keys)
	exact := &table.Filter{Min: lo, Max: hi, Exact: true, Bits: make([]uint64, (hi-lo)/64+1)}
	hashed := &table.Filter{Min: lo, Max: hi, Bits: make([]uint64, 1<<10/64), Shift: 64 - 10}
	for _, k := range keys {
		exact.Bits[(k-lo)/64] |= 1 << ((k - lo) % 64)
		h := table.Hash64(k) >> hashed.Shift
		hashed.Bits[h/64] |= 1 << (h % 64)
	}
	return map[string]*table.Filter{"exact": exact, "hashed": hashed}
}

// checkNarrow: a filter found at run time leaves out no row that it has.
func checkNarrow(f *fixture) {
	id := f.many()
	keys := numbers(2000, 2100, func(k int64) bool { return k%7 == 0 })
	tx := f.begin(table.TxOptions{})
	for _, own := range []int{0, 1} {
		if own == 1 {
			f.must(f.delete(tx, id, 2002, 5))
		}
		for name, filter := range filters(keys) {
			f.must(f.statement(tx, func(st table.Statement) error {
				r, err := st.Reader(f.ctx, id)
				f.must(err)
				s, err := r.Scan(f.ctx, table.ScanSpec{Cols: []int{0}})
				f.must(err)
				took := s.Narrow(table.Conjunct{Col: 0, Op: table.OpFilter, Filter: filter})
				ids := f.inParallel(s, nil)
				left := slices.DeleteFunc(slices.Clone(ids), func(k int64) bool { return !slices.Contains(keys, k) })
				if len(left) != len(keys)-own {
					f.t.Errorf("%s filter: %d rows are left, want %d", name, len(left), len(keys)-own)
				}
				if took == table.Exact && len(left) != len(ids) {
					f.t.Errorf("%s filter is taken over exactly, and %d of %d rows do not match", name, len(ids)-len(left), len(ids))
				}
				return s.Close()
			}))
		}
	}
	f.rollback(tx)
}

// checkNarrowMeanwhile: Narrow comes from any goroutine at any time.
func checkNarrowMeanwhile(f *fixture) {
	id := f.many()
	keys := numbers(1, manyRows, func(k int64) bool { return k%3 == 0 })
	f.reading(id, func(r table.Reader) {
		for range 10 {
			s, err := r.Scan(f.ctx, table.ScanSpec{Cols: []int{0}, VectorRows: 64})
			f.must(err)
			ids := f.inParallel(s, func() {
				s.Narrow(table.Conjunct{Col: 0, Op: table.OpFilter, Filter: filters(keys)["hashed"]})
				s.Narrow(table.Conjunct{Col: 0, Op: table.OpLe, Value: types.NewInt(types.Int8, manyRows-10)})
			})
			ids = slices.DeleteFunc(ids, func(k int64) bool { return k%3 != 0 || k > manyRows-10 })
			if want := numbers(1, manyRows-10, func(k int64) bool { return k%3 == 0 }); !slices.Equal(ids, want) {
				f.t.Errorf("%d rows, want %d", len(ids), len(want))
			}
			f.must(s.Close())
		}
	})
}
