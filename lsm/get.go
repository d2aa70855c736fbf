package lsm

import (
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

var _ table.RowGetter = (*tableSnapshot)(nil)

// GetRow finds the row that the snapshot sees, and reads its columns where Pebble has them: nothing but strings is copied.
func (s *tableSnapshot) GetRow(key []byte, cols []int, dst types.Row) (types.Row, table.RowRef, bool) {
	buf := keyBuffers.Get().(*[]byte)
	*buf = appendRowKey((*buf)[:0], s.d.inc, key)
	value, closer, err := s.s.pin.s.Get(*buf)
	keyBuffers.Put(buf)
	if err != nil {
		if !errors.Is(err, pebble.ErrNotFound) {
			s.t.failed.read(pebbleError("read", err))
		}
		return dst, 0, false
	}
	row, ref, err := s.decode(value, cols, dst)
	if cerr := closer.Close(); err == nil && cerr != nil {
		err = pebbleError("read", cerr)
	}
	if err != nil {
		s.t.failed.read(err)
		return dst, 0, false
	}
	return row, ref, true
}

// decode reads columns of a value, which is borrowed.
func (s *tableSnapshot) decode(value []byte, cols []int, dst types.Row) (types.Row, table.RowRef, error) {
	v, err := parseRow(s.d.inc, nil, value)
	if err != nil {
		return dst, 0, err
	}
	r := rowReader{types: s.d.types}
	if err := r.open(v.row); err != nil {
		return dst, 0, err
	}
	dst, err = r.appendRow(dst, cols, false)
	return dst, table.RowRef(v.ref), err
}
