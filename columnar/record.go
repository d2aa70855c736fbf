package columnar

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	le         = binary.LittleEndian
)

// RecordKind is what a node-local record of the tier says.
type RecordKind uint8

// The kinds of records.
const (
	// FlushRecord: segments take the place of a memtable.
	FlushRecord RecordKind = iota + 1
	// CompactRecord: segments take the place of others.
	CompactRecord
	// NoRecord says nothing: it orders work with commits.
	NoRecord
)

// recordVersion is the first byte of a record.
const recordVersion = 1

// moveRecord is what a flush or compaction leaves in the log; see docs/format/columnar.md.
type moveRecord struct {
	table table.ObjectID
	born  table.LSN
	moves uint64 // after it
	// sealed is where the last row of the flushed memtable began at most; cut is where all rows of the segments lived.
	sealed, cut table.LSN
	removed     []uint32
	added       []segRecord
}

// segRecord describes a segment in a record or a manifest.
type segRecord struct {
	num   uint32
	level uint8
	cut   table.LSN
	info  segment.Info
}

func (r *moveRecord) encode() []byte {
	b := []byte{recordVersion}
	b = binary.AppendUvarint(b, uint64(r.table))
	b = binary.AppendUvarint(b, uint64(r.born))
	b = binary.AppendUvarint(b, r.moves)
	b = binary.AppendUvarint(b, uint64(r.sealed))
	b = binary.AppendUvarint(b, uint64(r.cut))
	b = binary.AppendUvarint(b, uint64(len(r.removed)))
	for _, n := range r.removed {
		b = binary.AppendUvarint(b, uint64(n))
	}
	b = binary.AppendUvarint(b, uint64(len(r.added)))
	for i := range r.added {
		b = r.added[i].append(b)
	}
	return b
}

func (s *segRecord) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(s.num))
	b = append(b, s.level)
	b = binary.AppendUvarint(b, uint64(s.cut))
	b = binary.AppendUvarint(b, uint64(s.info.Rows))
	for _, f := range []*segment.FileInfo{&s.info.Segment, &s.info.Sidecar} {
		b = binary.AppendUvarint(b, uint64(f.Bytes))
		b = le.AppendUint32(b, f.CRC)
	}
	return b
}

// loadVersion is the first byte of what an entry says of the segments of a load.
const loadVersion = 1

// encodeLoad describes the segments of a bulk load, for the record of its commit. Their cut is the LSN of that.
func encodeLoad(list []segRecord) []byte {
	b := binary.AppendUvarint([]byte{loadVersion}, uint64(len(list)))
	for i := range list {
		b = list[i].append(b)
	}
	return b
}

// decodeLoad is the inverse of encodeLoad.
func decodeLoad(b []byte) (list []segRecord, err error) {
	d := decoder{b: b}
	if v := d.byte(); v != loadVersion {
		return nil, sqlerr.Newf(sqlerr.DataCorrupted, "unknown version %d of the segments of a load", v)
	}
	for range d.count() {
		list = append(list, d.segment())
	}
	if d.bad || len(d.b) > 0 {
		return nil, sqlerr.New(sqlerr.DataCorrupted, "malformed list of the segments of a load")
	}
	return list, nil
}

// decoder reads what records and manifests consist of. After an error it returns zeros.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return v
}

// upTo reads a number that is at most max.
func (d *decoder) upTo(max uint64) uint64 {
	v := d.uvarint()
	if v > max {
		d.bad = true
		return 0
	}
	return v
}

func (d *decoder) lsn() table.LSN { return table.LSN(d.upTo(uint64(table.MaxLSN))) }

// count reads the number of things of at least one byte each.
func (d *decoder) count() int { return int(d.upTo(uint64(len(d.b)))) }

func (d *decoder) bytes(n int) []byte {
	if n > len(d.b) {
		d.bad, d.b = true, nil
		return make([]byte, n&0xff)[:0]
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) byte() byte {
	if b := d.bytes(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (d *decoder) uint32() uint32 {
	if b := d.bytes(4); len(b) == 4 {
		return le.Uint32(b)
	}
	return 0
}

func (d *decoder) segment() (s segRecord) {
	s.num = uint32(d.upTo(segmentsMax))
	s.level = d.byte()
	s.cut = d.lsn()
	s.info.Rows = int(d.upTo(segment.RowsMax))
	name := segmentName(s.num)
	s.info.Segment.Name, s.info.Sidecar.Name = name+segment.SegmentSuffix, name+segment.SidecarSuffix
	for _, f := range []*segment.FileInfo{&s.info.Segment, &s.info.Sidecar} {
		f.Bytes = int64(d.upTo(1 << 62))
		f.CRC = d.uint32()
	}
	return s
}

func decodeMove(b []byte) (r moveRecord, err error) {
	d := decoder{b: b}
	if v := d.byte(); v != recordVersion {
		return r, sqlerr.Newf(sqlerr.DataCorrupted, "unknown version %d of a flush or compaction record", v)
	}
	r.table = table.ObjectID(d.upTo(1<<32 - 1))
	r.born, r.moves = d.lsn(), d.uvarint()
	r.sealed, r.cut = d.lsn(), d.lsn()
	for range d.count() {
		r.removed = append(r.removed, uint32(d.upTo(segmentsMax)))
	}
	for range d.count() {
		r.added = append(r.added, d.segment())
	}
	if d.bad || len(d.b) > 0 {
		return r, sqlerr.New(sqlerr.DataCorrupted, "malformed flush or compaction record")
	}
	return r, nil
}
