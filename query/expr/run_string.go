package expr

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/vec"
)

// pattern is a constant LIKE pattern: compiled, or text for the general matcher.
type pattern struct {
	text string
	like *kernel.Like
	// What a view shows by itself: the first bytes under mask, and the least length.
	mask, first, lenMin uint32
}

func newPattern(text string) *pattern {
	p := &pattern{text: text, like: kernel.CompileLike(text)}
	if p.like != nil {
		prefix, lenMin := p.like.Prefix()
		p.lenMin = uint32(lenMin)
		var b, m [4]byte
		for i := range copy(b[:], prefix) {
			m[i] = 0xff
		}
		p.first, p.mask = binary.NativeEndian.Uint32(b[:]), binary.NativeEndian.Uint32(m[:])
	}
	return p
}

// matchView matches a string; most that do not match are recognised by their view.
func (p *pattern) matchView(v *vec.StrView, blocks [][]byte) (bool, error) {
	if v.Len < p.lenMin || binary.NativeEndian.Uint32(v.Prefix[:])&p.mask != p.first {
		return false, nil
	}
	return p.match(v.Bytes(blocks))
}

func (p *pattern) match(s []byte) (bool, error) {
	if p.like != nil {
		return p.like.Match(s), nil
	}
	return likeMatch(unsafe.String(unsafe.SliceData(s), len(s)), p.text, true /* characters */)
}

// runLike computes [NOT] LIKE with a constant pattern.
func (ev *Evaluator) runLike(f *frame, r *register, in *instr) (bool, error) {
	a, b := &ev.regs[in.args[0]], &ev.regs[in.args[1]]
	if a.isConst() || !b.isConst() {
		return false, nil
	}
	if text := b.constDatum().S; r.pattern == nil || r.pattern.text != text {
		r.pattern = newPattern(strings.Clone(text))
	}
	views, blocks, err := ev.views(a, f.n)
	if err != nil {
		return false, err
	}
	mask, err := ev.newBits(r, f.n)
	if err != nil {
		return false, err
	}
	clear(mask)
	valid := a.v.Valid
	for i := range views {
		if valid != nil && valid[i>>6]>>(i&63)&1 == 0 {
			continue
		}
		ok, err := r.pattern.matchView(&views[i], blocks)
		if err != nil {
			ev.fail(f, i, err)
			break
		}
		if ok {
			mask[i>>6] |= 1 << (i & 63)
		}
	}
	return true, ev.endBits(r, f.n, in.args, in.fn.Kernel == kernelNotLike)
}

// runString computes the string functions that have kernels.
func (ev *Evaluator) runString(f *frame, r *register, in *instr) (bool, error) {
	switch in.fn.Kernel {
	case kernelLength:
		return ev.runLength(f, r, in)
	case kernelSubstring:
		return ev.runSubstring(f, r, in)
	case kernelConcat:
		return ev.runConcat(f, r, in)
	}
	return ev.runCaseMap(f, r, in)
}

func (ev *Evaluator) runLength(f *frame, r *register, in *instr) (bool, error) {
	a := &ev.regs[in.args[0]]
	views, blocks, err := ev.views(a, f.n)
	if err != nil {
		return false, err
	}
	dst, err := ev.newInts(r, f.n)
	if err != nil {
		return false, err
	}
	valid := a.v.Valid
	for i := range views {
		dst[i] = 0
		if valid == nil || valid[i>>6]>>(i&63)&1 != 0 {
			dst[i] = int64(utf8.RuneCount(views[i].Bytes(blocks)))
		}
	}
	r.v.Valid = valid
	return true, nil
}

// runSubstring cuts views: the bytes stay where they are.
func (ev *Evaluator) runSubstring(f *frame, r *register, in *instr) (bool, error) {
	a := &ev.regs[in.args[0]]
	if a.isConst() {
		return false, nil
	}
	bounds := [2]int64{}
	for i, reg := range in.args[1:] {
		c := &ev.regs[reg]
		if !c.isConst() {
			return false, nil
		}
		bounds[i] = c.v.Int(0)
	}
	from, to, err := substringBounds(bounds[0], bounds[1], len(in.args) == 3)
	if err != nil {
		return false, nil // for rows that are not NULL
	}
	views, blocks, err := ev.views(a, f.n)
	if err != nil {
		return false, err
	}
	dst, err := ev.newViews(r, f.n)
	if err != nil {
		return false, err
	}
	valid := a.v.Valid
	for i := range views {
		if valid != nil && valid[i>>6]>>(i&63)&1 == 0 {
			dst[i] = vec.StrView{}
			continue
		}
		dst[i] = cutView(&views[i], blocks, from, to)
	}
	r.v.Blocks, r.v.Valid = blocks, valid
	return true, nil
}

// cutView returns the characters [from, to) of a view; to -1 means all the rest.
func cutView(v *vec.StrView, blocks [][]byte, from, to int) vec.StrView {
	b := v.Bytes(blocks)
	start, end := 0, len(b)
	if ascii := asciiPrefix(b, to); ascii {
		start = min(from, len(b))
		if to >= 0 {
			end = max(min(to, len(b)), start)
		}
	} else {
		s := unsafe.String(unsafe.SliceData(b), len(b))
		start = byteOffset(s, from)
		if to >= 0 {
			end = start + byteOffset(s[start:], to-from)
		}
	}
	if part := b[start:end]; len(part) <= vec.InlineMax {
		return vec.InlineView(part)
	}
	return vec.LongView(b[start:end], v.Block, v.Off+uint32(start))
}

// asciiPrefix reports whether the first n characters (-1: all) are bytes.
func asciiPrefix(b []byte, n int) bool {
	if n >= 0 && n < len(b) {
		b = b[:n]
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// textCell reads the bytes of one string argument.
type textCell struct {
	views  []vec.StrView
	blocks [][]byte
	konst  []byte
}

func (ev *Evaluator) textCell(reg, n int) (textCell, error) {
	r := &ev.regs[reg]
	if r.isConst() {
		return textCell{konst: viewAt(&r.v, 0).Bytes(r.v.Blocks)}, nil
	}
	views, blocks, err := ev.views(r, n)
	return textCell{views: views, blocks: blocks}, err
}

func (c *textCell) at(i int) []byte {
	if c.views == nil {
		return c.konst
	}
	return c.views[i].Bytes(c.blocks)
}

func (ev *Evaluator) runConcat(f *frame, r *register, in *instr) (bool, error) {
	a, err := ev.textCell(in.args[0], f.n)
	if err != nil {
		return false, err
	}
	b, err := ev.textCell(in.args[1], f.n)
	if err != nil {
		return false, err
	}
	dst, err := ev.newViews(r, f.n)
	if err != nil {
		return false, err
	}
	valid, err := ev.nulls(r, f.n, in.args)
	if err != nil {
		return false, err
	}
	for i := range dst {
		if valid != nil && valid[i>>6]>>(i&63)&1 == 0 {
			dst[i] = vec.StrView{}
			continue
		}
		x, y := a.at(i), b.at(i)
		out, done, err := ev.textRoom(r, &dst[i], len(x)+len(y))
		if err != nil {
			return false, err
		}
		copy(out[copy(out, x):], y)
		done(&dst[i], out)
	}
	r.v.Valid = valid
	return true, nil
}

// textRoom returns room for a string of n bytes; done makes the view of it.
func (ev *Evaluator) textRoom(r *register, v *vec.StrView, n int) ([]byte, func(*vec.StrView, []byte), error) {
	if n <= vec.InlineMax {
		*v = vec.StrView{Len: uint32(n)}
		return unsafe.Slice((*byte)(unsafe.Pointer(&v.Prefix)), n), inlineDone, nil
	}
	out, block, off, err := r.text.room(&ev.mem, n)
	if err != nil {
		return nil, nil, err
	}
	r.v.Blocks = r.text.blocks
	v.Block, v.Off = block, off
	return out, longDone, nil
}

func inlineDone(*vec.StrView, []byte) {}

func longDone(v *vec.StrView, b []byte) { *v = vec.LongView(b, v.Block, v.Off) }

// runCaseMap computes lower and upper; bytes that are not ASCII go through the scalar functions.
func (ev *Evaluator) runCaseMap(f *frame, r *register, in *instr) (bool, error) {
	a := &ev.regs[in.args[0]]
	views, blocks, err := ev.views(a, f.n)
	if err != nil {
		return false, err
	}
	dst, err := ev.newViews(r, f.n)
	if err != nil {
		return false, err
	}
	first, last, convert := byte('A'), byte('Z'), bytes.ToLower
	if in.fn.Kernel == kernelUpper {
		first, last, convert = 'a', 'z', bytes.ToUpper
	}
	valid := a.v.Valid
	for i := range views {
		if valid != nil && valid[i>>6]>>(i&63)&1 == 0 {
			dst[i] = vec.StrView{}
			continue
		}
		b := views[i].Bytes(blocks)
		plain := asciiPrefix(b, -1)
		if !plain {
			b = convert(b)
		}
		out, done, err := ev.textRoom(r, &dst[i], len(b))
		if err != nil {
			return false, err
		}
		copy(out, b)
		if plain {
			swapCase(out, first, last)
		}
		done(&dst[i], out)
	}
	r.v.Valid = valid
	return true, nil
}

// swapCase changes the case of the letters from first to last.
func swapCase(b []byte, first, last byte) {
	for i, c := range b {
		if c >= first && c <= last {
			b[i] = c ^ 0x20
		}
	}
}
