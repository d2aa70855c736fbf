package segment

import (
	"bytes"
	"context"
	"sort"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/vec"
)

// A key that all rows have, and in whose order they are, needs no blocks of keys: its root has the separators of the
// zones, and the zones have the keys.

// clustered reports whether the rows are in the order of the key, and all have it.
func (k *keyBuilder) clustered(rows int) bool { return rows > 0 && len(k.pos) == rows && k.sorted }

// encodeClustered returns the root of a clustered key.
func (k *keyBuilder) encodeClustered(zoneRows int) []byte {
	n := len(k.pos)
	var r encoder
	r.u(uint64(n))
	r.bytes(k.at(0))
	r.bytes(k.at(n - 1))
	r.u(uint64((n + zoneRows - 1) / zoneRows))
	for i := 0; i < n; i += zoneRows {
		var sep []byte
		if i > 0 {
			sep = separator(k.at(i-1), k.at(i))
		}
		r.bytes(sep)
		r.u(0)
		r.u(uint64(min(zoneRows, n-i)))
		r.u32(0)
	}
	return r.b
}

// checkClustered reports whether the root of a key without blocks is that of a clustered one.
func (s *Segment) checkClustered(r *keyReader) bool {
	if r.num == 0 {
		return len(r.seps) == 0
	}
	if r.num != s.rows || len(r.seps) != s.NumZones() {
		return false
	}
	for z, n := range r.counts {
		if int(n) != min(s.zoneRows, s.rows-s.zoneStart(z)) {
			return false
		}
	}
	r.clustered = true
	return true
}

// keyScan reads the columns of a key, zone by zone.
type keyScan struct {
	sc   *Scan
	b    vec.Batch
	cols []int // of b
	key  []byte
}

func (s *Segment) keyScan(k int) (*keyScan, error) {
	if ks, _ := s.keys[k].scans.Get().(*keyScan); ks != nil {
		return ks, nil
	}
	cols := s.schema.Keys[k].Cols
	sc, err := s.Scan(ScanSpec{Cols: cols})
	if err != nil {
		return nil, err
	}
	ks := &keyScan{sc: sc, cols: make([]int, len(cols))}
	for i := range ks.cols {
		ks.cols[i] = i
	}
	return ks, nil
}

// read goes to a zone.
func (ks *keyScan) read(z int) error {
	ks.sc.at = z
	for i := range ks.sc.cols {
		ks.sc.cols[i].last = -2 // no read-ahead
	}
	ks.sc.Next()
	return ks.sc.Batch(&ks.b)
}

// at returns the key of row i of the zone.
func (ks *keyScan) at(i int) ([]byte, error) {
	key, ok := index.AppendBatch(ks.key[:0], &ks.b, ks.cols, i)
	ks.key = key
	if !ok {
		return nil, sqlerr.Newf(sqlerr.DataCorrupted, "segment %s: row %d has no key", ks.sc.s.name, ks.sc.Pos()+i)
	}
	return key, nil
}

// searchZone appends the positions of a clustered key in zone z.
func (s *Segment) searchZone(dst []uint32, k, z int, key []byte) ([]uint32, error) {
	ks, err := s.keyScan(k)
	if err != nil {
		return dst, err
	}
	defer s.keys[k].scans.Put(ks)
	defer ks.sc.Close()
	if err := ks.read(z); err != nil {
		return dst, err
	}
	at := func(i int) []byte {
		found, kerr := ks.at(i)
		if kerr != nil {
			err = kerr
		}
		return found
	}
	i := sort.Search(ks.b.N, func(i int) bool { return bytes.Compare(at(i), key) >= 0 })
	for ; i < ks.b.N && err == nil && bytes.Equal(at(i), key); i++ {
		dst = append(dst, uint32(s.zoneStart(z)+i))
	}
	return dst, err
}

// verifyClustered checks that the rows are in the order of the key, and that its bloom filter knows all of them.
func (s *Segment) verifyClustered(ctx context.Context, k int) error {
	r := &s.keys[k]
	ks, err := s.keyScan(k)
	if err != nil {
		return err
	}
	defer ks.sc.Close()
	var last []byte
	for z := range r.seps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := ks.read(z); err != nil {
			return err
		}
		for i := range ks.b.N {
			key, err := ks.at(i)
			if err != nil {
				return err
			}
			if string(last) > string(key) || string(key) < string(r.seps[z]) || i == 0 && z > 0 && string(last) >= string(r.seps[z]) && string(last) != string(key) {
				return s.data.damaged(s.pageOf(s.schema.Keys[k].Cols[0], z).off, "keys out of order")
			}
			if err := s.checkBloom(k, key); err != nil {
				return err
			}
			last = append(last[:0], key...)
		}
	}
	return nil
}

// checkBloom demands that the bloom filter has a key.
func (s *Segment) checkBloom(k int, key []byte) error {
	ok, err := s.mayHave(k, key)
	if err == nil && !ok {
		err = s.side.damaged(int64(s.keys[k].bloom.off), "a key is missing in the bloom filter")
	}
	return err
}
