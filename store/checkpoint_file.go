package store

import (
	"encoding/binary"
	"hash/crc32"
	"math"

	"github.com/laminadb/lamina/catalog"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal"
)

const (
	checkpointMagic   = "LAMINCKP"
	checkpointVersion = 1
	// checkpointVersionSequences is that of a file with values of sequences.
	checkpointVersionSequences = 2
	// checkpointHead is magic, version and length of the body.
	checkpointHead = 8 + 4 + 8
)

// checkpoint is what the checkpoint file holds; see docs/format/directory.md.
type checkpoint struct {
	log      wal.ID
	lsn      table.LSN
	time     int64        // of the record with lsn
	position wal.Position // replay begins here
	catalog  *catalog.Catalog
	// hidden are the reserved hidden keys of tables without primary key.
	hidden []hiddenBlock
	// sequences say where the sequences stand.
	sequences []sequenceState
	// tiers name the tiers that hold tables and the LSN up to which each was durable by itself.
	tiers []tierMark
}

// durableOf returns the LSN up to which a tier was durable by itself; 0 if there is no checkpoint, or it does not say.
func (c *checkpoint) durableOf(name string) table.LSN {
	if c != nil {
		for _, m := range c.tiers {
			if m.name == name {
				return m.durable
			}
		}
	}
	return 0
}

type tierMark struct {
	name    string
	durable table.LSN
}

// encode returns the content of the file.
func (c *checkpoint) encode() []byte {
	b := append(make([]byte, 0, 4096), checkpointMagic...)
	version := uint32(checkpointVersion)
	if len(c.sequences) > 0 {
		version = checkpointVersionSequences
	}
	b = binary.LittleEndian.AppendUint32(b, version)
	b = binary.LittleEndian.AppendUint64(b, 0) // length, set below
	b = append(b, c.log[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(c.lsn))
	b = binary.LittleEndian.AppendUint64(b, uint64(c.time))
	b = binary.LittleEndian.AppendUint64(b, uint64(c.position))
	b = appendHidden(b, c.hidden)
	if version == checkpointVersionSequences {
		b = appendSequences(b, c.sequences)
	}
	b = binary.AppendUvarint(b, uint64(len(c.tiers)))
	for _, t := range c.tiers {
		b = binary.AppendUvarint(b, uint64(len(t.name)))
		b = append(b, t.name...)
		b = binary.AppendUvarint(b, uint64(t.durable))
	}
	b = c.catalog.Append(b)
	binary.LittleEndian.PutUint64(b[12:], uint64(len(b)-checkpointHead))
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// decodeCheckpoint decodes a checkpoint file. It has one checksum, so what is damaged is all of it.
func decodeCheckpoint(name string, b []byte) (*checkpoint, error) {
	if len(b) < checkpointHead+4 || string(b[:8]) != checkpointMagic {
		return nil, damaged(name, 0, "not a checkpoint")
	}
	body, tail := b[:len(b)-4], b[len(b)-4:]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(tail) {
		return nil, damaged(name, 0, "checksum does not match")
	}
	version := binary.LittleEndian.Uint32(b[8:])
	if version != checkpointVersion && version != checkpointVersionSequences {
		return nil, sqlerr.Newf(sqlerr.FeatureNotSupported, "file %s has format version %d, this program reads %d",
			name, version, checkpointVersionSequences)
	}
	if n := binary.LittleEndian.Uint64(b[12:]); n != uint64(len(body)-checkpointHead) {
		return nil, damaged(name, 0, "%d bytes instead of %d", len(body)-checkpointHead, n)
	}
	c, err := decodeCheckpointBody(body[checkpointHead:], version)
	if err != nil {
		return nil, damaged(name, 0, "%v", err)
	}
	return c, nil
}

func decodeCheckpointBody(b []byte, version uint32) (*checkpoint, error) {
	c := &checkpoint{}
	r := decoder{b: b}
	copy(c.log[:], r.bytes(len(c.log)))
	c.lsn = table.LSN(r.uint64())
	c.time = int64(r.uint64())
	c.position = wal.Position(r.uint64())
	c.hidden = r.hidden()
	if version == checkpointVersionSequences {
		c.sequences = r.sequences()
	}
	for range r.count(2) {
		n := r.count(1)
		name := string(r.bytes(n))
		c.tiers = append(c.tiers, tierMark{name, table.LSN(r.uvarint())})
	}
	if r.err != nil {
		return nil, r.err
	}
	var err error
	if c.catalog, r.b, err = catalog.Decode(r.b); err != nil {
		return nil, err
	}
	if len(r.b) != 0 || c.lsn > table.MaxLSN || c.time < 0 {
		r.fail("impossible content")
	}
	return c, r.err
}

// decoder reads numbers and bytes; after the first error it returns zeros.
type decoder struct {
	b   []byte
	err error
}

func (r *decoder) fail(format string, args ...any) {
	if r.err == nil {
		r.err = corruptedf(format, args...)
	}
	r.b = nil
}

func (r *decoder) bytes(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.fail("unexpected end")
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

func (r *decoder) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *decoder) uint64() uint64 {
	if b := r.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (r *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail("bad number")
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *decoder) id() table.ObjectID {
	v := r.uvarint()
	if v > math.MaxUint32 {
		r.fail("object ID %d", v)
		return 0
	}
	return table.ObjectID(v)
}

// count reads how many elements follow, each of at least size bytes.
func (r *decoder) count(size int) int {
	v := r.uvarint()
	if v > uint64(len(r.b)/size) {
		r.fail("impossible count %d", v)
		return 0
	}
	return int(v)
}
