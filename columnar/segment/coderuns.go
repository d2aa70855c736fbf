package segment

import (
	"encoding/binary"
	"errors"

	"github.com/parquet-go/bitpack"
)

// codesAtOnce is how many codes are unpacked before they are looked up.
const codesAtOnce = 512

var errCodes = errors.New("malformed codes")

// codeRuns reads the codes of a page in Parquet's hybrid encoding: runs of one code, and codes packed in groups of eight.
// Its memory is used again.
type codeRuns struct {
	raw    []byte
	width  uint
	packed int // codes of the group at hand that come, with those that fill it up

	space  [codesAtOnce]int32
	padded []byte
}

func (r *codeRuns) begin(raw []byte) error {
	if len(raw) == 0 || raw[0] > 32 {
		return errCodes
	}
	r.raw, r.width, r.packed = raw[1:], uint(raw[0]), 0
	return nil
}

// next returns what comes next, limit codes at most: n times one code, or codes, which stay until the next call.
func (r *codeRuns) next(limit int) (codes []int32, code uint32, n int, err error) {
	for r.packed == 0 {
		head, k := binary.Uvarint(r.raw)
		if k <= 0 || head>>1 > 1<<31 {
			return nil, 0, 0, errCodes
		}
		r.raw = r.raw[k:]
		if head&1 != 0 {
			r.packed = int(head>>1) * 8
			continue
		}
		bytes := int(r.width+7) / 8
		if len(r.raw) < bytes {
			return nil, 0, 0, errCodes
		}
		for i, b := range r.raw[:bytes] {
			code |= uint32(b) << (8 * i)
		}
		if r.raw = r.raw[bytes:]; head > 0 {
			return nil, code, min(int(head>>1), limit), nil
		}
		code = 0
	}
	n = min(r.packed, codesAtOnce)
	bytes := n * int(r.width) / 8
	if len(r.raw) < bytes {
		return nil, 0, 0, errCodes
	}
	src := r.raw
	if cap(src) < bytes+bitpack.PaddingInt32 {
		r.padded = append(append(r.padded[:0], src[:bytes]...), make([]byte, bitpack.PaddingInt32)...)
		src = r.padded
	}
	r.raw, r.packed = r.raw[bytes:], r.packed-n
	if codes = r.space[:n]; r.width == 0 {
		clear(codes)
	} else {
		bitpack.Unpack(codes, src[:bytes], r.width)
	}
	return codes[:min(n, limit)], 0, min(n, limit), nil
}

// placeCodes makes dst what the codes stand for in a table, less base, whose lower bits are what T has.
func placeCodes[T uint8 | uint16 | uint32 | uint64, V int64 | uint32](r *codeRuns, dst []T, table []V, base V) error {
	for len(dst) > 0 {
		codes, code, n, err := r.next(len(dst))
		if err != nil {
			return err
		}
		out := dst[:n]
		dst = dst[n:]
		if codes == nil {
			if uint64(code) >= uint64(len(table)) {
				return errCodes
			}
			x := T(table[code] - base)
			for i := range out {
				out[i] = x
			}
			continue
		}
		for i, c := range codes[:len(out)] {
			if uint32(c) >= uint32(len(table)) {
				return errCodes
			}
			out[i] = T(table[uint32(c)] - base)
		}
	}
	return nil
}

// placeCodesIn decodes into entries.
func placeCodesIn[V int64 | uint32](r *codeRuns, e *entries, table []V) error {
	base := V(e.base)
	switch e.width {
	case 1:
		return placeCodes(r, of[uint8](e), table, base)
	case 2:
		return placeCodes(r, of[uint16](e), table, base)
	case 4:
		return placeCodes(r, of[uint32](e), table, base)
	default:
		return placeCodes(r, of[uint64](e), table, base)
	}
}
