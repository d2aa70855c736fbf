package deletion

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/laminadb/lamina/sqlerr"
)

// The encoded form: see docs/format/deletion.md.
const (
	magic       = 0x5644_4d4c // "LMDV"
	version     = 1
	headerBytes = 32
	sumBytes    = 4
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	le         = binary.LittleEndian
)

// Append encodes the vector as of an LSN: later deletions are left out.
func (v *Vector) Append(dst []byte, lsn uint64) ([]byte, error) {
	s := v.state.Load()
	list := s.list[:s.visible(lsn)]
	base, err := s.base.ToBytes()
	if err != nil {
		return dst, sqlerr.Newf(sqlerr.InternalError, "encode a deletion vector: %w", err)
	}
	start := len(dst)
	dst = le.AppendUint32(dst, magic)
	dst = le.AppendUint32(dst, version)
	dst = le.AppendUint64(dst, s.folded)
	dst = le.AppendUint32(dst, uint32(v.rows))
	dst = le.AppendUint32(dst, uint32(len(list)))
	dst = le.AppendUint64(dst, uint64(len(base)))
	dst = append(dst, base...)
	last := s.folded
	for _, d := range list {
		dst = binary.AppendUvarint(dst, uint64(d.Pos))
		dst = binary.AppendUvarint(dst, d.LSN-last)
		last = d.LSN
	}
	return le.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli)), nil
}

func damaged(what string) error {
	return sqlerr.Newf(sqlerr.DataCorrupted, "an encoded deletion vector is damaged: %s", what)
}

// Decode reads what Append wrote, all of b. It answers XX001 for anything else, and never panics.
func Decode(b []byte) (v *Vector, err error) {
	if len(b) < headerBytes+sumBytes || le.Uint32(b) != magic {
		return nil, damaged("no header")
	}
	body := b[:len(b)-sumBytes]
	if crc32.Checksum(body, castagnoli) != le.Uint32(b[len(body):]) {
		return nil, damaged("wrong checksum")
	}
	if n := le.Uint32(b[4:]); n != version {
		return nil, sqlerr.Newf(sqlerr.FeatureNotSupported, "a deletion vector has format version %d: a newer program wrote it", n)
	}
	rows, n, size := int(le.Uint32(b[16:])), int(le.Uint32(b[20:])), le.Uint64(b[24:])
	rest := body[headerBytes:]
	if size > uint64(len(rest)) {
		return nil, damaged("length")
	}
	base, ok := decodeBase(rest[:size], rows)
	if !ok {
		return nil, damaged("bitmap")
	}
	base.SetCopyOnWrite(true)
	v = New(rows, le.Uint64(b[8:]))
	s := v.state.Load()
	s.base, s.count = base, int(base.GetCardinality())
	for it := base.Iterator(); it.HasNext(); {
		v.note(it.Next())
	}
	if err := v.decodeList(s, rest[size:], n); err != nil {
		return nil, err
	}
	return v, nil
}

func (v *Vector) decodeList(s *state, b []byte, n int) error {
	if n > len(b)/2 {
		return damaged("length of the list")
	}
	s.list = make([]Deletion, max(n, listMin))
	last := s.folded
	for i := range n {
		pos, k := binary.Uvarint(b)
		if k <= 0 || pos >= uint64(v.rows) {
			return damaged("position")
		}
		b = b[k:]
		step, k := binary.Uvarint(b)
		if k <= 0 || last+step < last || last+step == s.folded {
			return damaged("LSN")
		}
		b = b[k:]
		last += step
		if s.base.Contains(uint32(pos)) || !v.listed.CheckedAdd(uint32(pos)) {
			return damaged("a row is deleted twice")
		}
		s.list[i] = Deletion{Pos: uint32(pos), LSN: last}
		v.note(uint32(pos))
	}
	if len(b) > 0 {
		return damaged("length")
	}
	s.n.Store(int64(n))
	return nil
}

// decodeBase reads a bitmap of positions below rows from all of p.
func decodeBase(p []byte, rows int) (b *roaring.Bitmap, ok bool) {
	defer func() {
		if recover() != nil { // the library trusts its input in places
			b, ok = nil, false
		}
	}()
	b = roaring.New()
	n, err := b.FromBuffer(append([]byte(nil), p...))
	if err != nil || n != int64(len(p)) || b.Validate() != nil {
		return nil, false
	}
	return b, b.IsEmpty() || int64(b.Maximum()) < int64(rows)
}
