package lsm

import (
	"encoding/binary"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/vec"
)

var (
	be = binary.BigEndian
	le = binary.LittleEndian
)

// The first byte of a key.
const (
	spaceMark   = 'a' // the mark
	spaceTable  = 'b' // table ID (4): its tableMeta
	spaceSample = 'c' // table ID (4): keys of a sample of its rows
	spaceRows   = 'd' // incarnation (8), kind (1): see below
)

// The kinds of entries of an incarnation.
const (
	kindRow    = 0 // key: the row
	kindRef    = 1 // reference (8): the row's key
	kindUnique = 2 // position in TableDef.Keys (2), value: the row's key
)

var markKey = []byte{spaceMark}

func tableKey(space byte, id table.ObjectID) []byte {
	return be.AppendUint32([]byte{space}, uint32(id))
}

// rowPrefixBytes is the length of what precedes a row's own key.
const rowPrefixBytes = 1 + 8 + 1

func appendPrefix(dst []byte, inc uint64, kind byte) []byte {
	return append(be.AppendUint64(append(dst, spaceRows), inc), kind)
}

func appendRowKey(dst []byte, inc uint64, key []byte) []byte {
	return append(appendPrefix(dst, inc, kindRow), key...)
}

func appendRefKey(dst []byte, inc, ref uint64) []byte {
	return be.AppendUint64(appendPrefix(dst, inc, kindRef), ref)
}

func appendUniqueKey(dst []byte, inc uint64, k int, key []byte) []byte {
	return append(be.AppendUint16(appendPrefix(dst, inc, kindUnique), uint16(k)), key...)
}

// incarnationRange returns the bounds of all entries of an incarnation.
func incarnationRange(inc uint64) (from, to []byte) {
	return be.AppendUint64([]byte{spaceRows}, inc), be.AppendUint64([]byte{spaceRows}, inc+1)
}

// successor returns the least string that is greater than all that begin with prefix; it changes prefix.
func successor(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i]++; prefix[i] != 0 {
			return prefix[:i+1]
		}
	}
	return nil
}

// rowKeyOf appends the key of live row i of a batch.
func (d *data) rowKeyOf(dst []byte, b *vec.Batch, i int) ([]byte, bool) {
	return index.AppendBatch(dst, b, d.identity, i)
}

// mark says what a batch, and all batches before it, hold.
type mark struct {
	// lsn: all records up to it, and, if it is not 0, a part of record partial.
	lsn, partial table.LSN
	// ref and inc are greater than all references and incarnations.
	ref, inc uint64
}

const (
	markVersion = 1
	markBytes   = 1 + 4*8
)

func (m *mark) encode() []byte {
	b := []byte{markVersion}
	for _, x := range []uint64{uint64(m.lsn), uint64(m.partial), m.ref, m.inc} {
		b = le.AppendUint64(b, x)
	}
	return b
}

func decodeMark(b []byte) (m mark, err error) {
	if len(b) != markBytes || b[0] != markVersion {
		return m, corruptedf("the mark of the LSM tree is %d bytes of version %d", len(b), first(b))
	}
	m.lsn, m.partial = table.LSN(le.Uint64(b[1:])), table.LSN(le.Uint64(b[9:]))
	m.ref, m.inc = le.Uint64(b[17:]), le.Uint64(b[25:])
	if m.lsn > table.MaxLSN || m.partial != 0 && m.partial <= m.lsn || m.ref == 0 || m.inc == 0 {
		return m, corruptedf("the mark of the LSM tree is impossible: %+v", m)
	}
	return m, nil
}

func first(b []byte) byte {
	if len(b) == 0 {
		return 0
	}
	return b[0]
}

// tableMeta is what is known of a table besides its rows.
type tableMeta struct {
	inc    uint64
	live   int64 // rows
	layout uint64
	bytes  int64 // of the entries of the incarnation
}

const (
	metaVersion = 1
	metaBytes   = 1 + 4*8
)

func (m *tableMeta) encode() []byte {
	b := append(make([]byte, 0, metaBytes), metaVersion)
	for _, x := range []uint64{m.inc, uint64(m.live), m.layout, uint64(m.bytes)} {
		b = le.AppendUint64(b, x)
	}
	return b
}

func decodeMeta(b []byte) (m tableMeta, err error) {
	if len(b) != metaBytes || b[0] != metaVersion {
		return m, corruptedf("the entry of a table is %d bytes of version %d", len(b), first(b))
	}
	return tableMeta{le.Uint64(b[1:]), int64(le.Uint64(b[9:])), le.Uint64(b[17:]), int64(le.Uint64(b[25:]))}, nil
}
