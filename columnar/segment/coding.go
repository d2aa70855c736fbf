package segment

import "encoding/binary"

// encoder appends the parts of a section.
type encoder struct{ b []byte }

func (e *encoder) u(x uint64)     { e.b = binary.AppendUvarint(e.b, x) }
func (e *encoder) i(x int64)      { e.b = binary.AppendVarint(e.b, x) }
func (e *encoder) byte(x byte)    { e.b = append(e.b, x) }
func (e *encoder) u32(x uint32)   { e.b = le.AppendUint32(e.b, x) }
func (e *encoder) bytes(p []byte) { e.u(uint64(len(p))); e.b = append(e.b, p...) }

// decoder reads what an encoder wrote. After the first thing that is not there bad is set and everything reads as zero.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) fail() { d.b, d.bad = nil, true }

func (d *decoder) u() uint64 {
	x, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return x
}

// count reads a number of things that take at least size bytes each.
func (d *decoder) count(size int) int {
	x := d.u()
	if x > uint64(len(d.b)/max(size, 1)) {
		d.fail()
		return 0
	}
	return int(x)
}

// upTo reads a number that must not exceed a limit.
func (d *decoder) upTo(limit uint64) uint64 {
	x := d.u()
	if x > limit {
		d.fail()
		return 0
	}
	return x
}

func (d *decoder) i() int64 {
	x, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return x
}

func (d *decoder) take(n int) []byte {
	if n < 0 || n > len(d.b) {
		d.fail()
		return nil
	}
	p := d.b[:n:n]
	d.b = d.b[n:]
	return p
}

func (d *decoder) byte() byte {
	if p := d.take(1); p != nil {
		return p[0]
	}
	return 0
}

func (d *decoder) u32() uint32 {
	if p := d.take(4); p != nil {
		return le.Uint32(p)
	}
	return 0
}

func (d *decoder) bytes() []byte { return d.take(d.count(1)) }

// end reports whether everything was there and nothing is left.
func (d *decoder) end() bool { return !d.bad && len(d.b) == 0 }
