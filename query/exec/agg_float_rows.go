package exec

import (
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/vec"
)

// floatRows is what a slow state is given of a batch, as arrays: the groups of its rows and their arguments as words, the
// bits of floats among them. Rows whose second argument is NULL are not among them. The arrays are those of the vectors
// where these are such, else scratch, which is made when it is needed.
type floatRows struct {
	codes         []uint32
	first, second []int64

	words  [4]column[int64] // of the arguments, then picked ones
	picked column[uint32]
	both   column[uint16]
}

func (r *floatRows) free() {
	for i := range r.words {
		r.words[i].free()
	}
	r.picked.free()
	r.both.free()
}

// take sets the arrays to the rows of live (nil: 0 … n-1). There may be no second argument.
func (r *floatRows) take(t *mem.Tracker, codes []uint32, v, second *vec.Vector, live []uint16, n int) error {
	r.codes = codes[:n]
	var err error
	if r.first, err = r.wordsOf(t, 0, v, n); err != nil {
		return err
	}
	if second != nil {
		if r.second, err = r.wordsOf(t, 1, second, n); err != nil {
			return err
		}
		if live, err = r.without(t, second, live, n); err != nil {
			return err
		}
	}
	if live == nil {
		return nil
	}
	if err := r.picked.grow(t, batchRows); err != nil {
		return err
	}
	kernel.Pick(r.picked.v, r.codes, live)
	r.codes = r.picked.v[:len(live)]
	for i, p := range []*[]int64{&r.first, &r.second} {
		if i == 1 && second == nil {
			break
		}
		if err := r.words[2+i].grow(t, batchRows); err != nil {
			return err
		}
		kernel.Pick(r.words[2+i].v, *p, live)
		*p = r.words[2+i].v[:len(live)]
	}
	return nil
}

// wordsOf returns an argument as words.
func (r *floatRows) wordsOf(t *mem.Tracker, at int, v *vec.Vector, n int) ([]int64, error) {
	c := &r.words[at]
	if v.Form != vec.Flat || v.Width != 8 {
		if err := c.grow(t, batchRows); err != nil {
			return nil, err
		}
	}
	return intsOf(v, n, c.v), nil
}

// without returns the rows of live where v is not NULL.
func (r *floatRows) without(t *mem.Tracker, v *vec.Vector, live []uint16, n int) ([]uint16, error) {
	if !hasNulls(v, n) {
		return live, nil
	}
	if err := r.both.grow(t, batchRows); err != nil {
		return nil, err
	}
	k := 0
	_ = each(live, n, func(i int) error {
		r.both.v[k] = uint16(i)
		k += 1 - b2i(v.IsNull(i))
		return nil
	})
	return r.both.v[:k], nil
}
