package segment

import "unsafe"

// addDelta decodes n integers: into the vector itself if they are meant to go there, only those that are wanted if not all
// are.
func (p *pages) addDelta(raw []byte, n int, l *layout) (err error) {
	if l.phys == physInt64 {
		if err = p.deltas64.begin(raw, n); err != nil {
			return err
		}
		return addDeltas(p, &p.deltas64, n, func(x int64) int64 { return x })
	}
	if err = p.deltas32.begin(raw, n); err != nil {
		return err
	}
	if l.unsigned() {
		return addDeltas(p, &p.deltas32, n, func(x int32) int64 { return int64(uint32(x)) })
	}
	return addDeltas(p, &p.deltas32, n, func(x int32) int64 { return int64(x) })
}

func addDeltas[I int32 | int64](p *pages, d *deltas[I], n int, of func(I) int64) (err error) {
	switch {
	case p.want != nil:
		p.ints, err = d.pick(p.want, p.ints, of)
		p.picked = true
		return err
	case p.into.data != nil && n == p.into.rows && unsafe.Sizeof(d.least) >= uintptr(p.into.width):
		p.into.placed = true
		return placeDeltasIn(d, &p.into)
	}
	at := len(p.ints)
	p.ints = grow(p.ints, n)
	dst := unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(p.ints))), len(p.ints))[at:]
	if err = placeDeltas(d, dst, 0); err != nil || unsafe.Sizeof(d.least) == 8 {
		return err
	}
	for i, x := range p.ints[at:] {
		p.ints[at+i] = of(I(x))
	}
	return nil
}
