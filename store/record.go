package store

import (
	"encoding/binary"
	"math"

	"github.com/laminadb/lamina/catalog"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
	"github.com/laminadb/lamina/vec/veccodec"
)

// The payload of a commit record is described in docs/format/commit.md:
//
//	version byte, schema changes, hidden key blocks, entries
//
// A chunk of a streamed write set is a list of entries.

// Versions of the record: the second one has values of sequences.
const (
	commitVersion          = 1
	commitVersionSequences = 2
)

// change is what one record does, on its way to apply.
type change struct {
	schema []catalog.Change
	// next is the catalog after the schema changes; set when the record gets its LSN.
	next *catalog.Catalog
	// dropped are the tables that next no longer has, or has in another tier.
	dropped map[table.ObjectID]*table.TableDef
	hidden  []hiddenBlock
	// sequences are those that the transaction has changed.
	sequences []sequenceState
	// moved are the rows that go to other tiers, before the entries.
	moved []movedRows
	// entries are in the order in which they are applied.
	entries []table.Entry
}

// encodeHead appends what precedes the entries.
func (c *change) encodeHead(dst []byte) []byte {
	if len(c.sequences) == 0 {
		dst = catalog.AppendChanges(append(dst, commitVersion), c.schema)
		return appendHidden(dst, c.hidden)
	}
	dst = catalog.AppendChanges(append(dst, commitVersionSequences), c.schema)
	return appendSequences(appendHidden(dst, c.hidden), c.sequences)
}

// appendEntry encodes one entry, with its length before it so that a reader may pass over it.
func appendEntry(dst []byte, e *table.Entry) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = binary.AppendUvarint(dst, uint64(e.Table))
	dst = binary.AppendUvarint(dst, uint64(e.Version))
	dst = append(dst, byte(e.Op))
	if e.Op == table.OpUpdateRows || e.Op == table.OpDeleteRows {
		dst = appendKeys(dst, &e.Keys)
	}
	if e.Op == table.OpUpdateRows || e.Op == table.OpInsertRows {
		dst = veccodec.Append(dst, e.Rows)
	}
	if e.Op == table.OpLoadRows {
		dst = append(dst, e.Load...)
	}
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst
}

func appendKeys(dst []byte, k *table.Keys) []byte {
	dst = binary.AppendUvarint(dst, uint64(k.Len()))
	from := uint32(0)
	for _, end := range k.Ends {
		dst = binary.AppendUvarint(dst, uint64(end-from))
		from = end
	}
	return append(dst, k.Data...)
}

// decodeHead decodes what precedes the entries of a commit record, and returns the entries' bytes.
func decodeHead(b []byte) (c *change, rest []byte, err error) {
	if len(b) == 0 || b[0] != commitVersion && b[0] != commitVersionSequences {
		return nil, nil, corruptedf("unknown version of a commit record")
	}
	c = &change{}
	version := b[0]
	if c.schema, b, err = catalog.DecodeChanges(b[1:]); err != nil {
		return nil, nil, err
	}
	r := decoder{b: b}
	c.hidden = r.hidden()
	if version == commitVersionSequences {
		c.sequences = r.sequences()
	}
	return c, r.b, r.err
}

// entryReader decodes entries one after the other into the same memory.
type entryReader struct {
	e       table.Entry
	rows    vec.Batch
	decoder veccodec.Decoder
	// def is a definition, and types are those of its rows: the next entry is often of the same table.
	def   *table.TableDef
	types []types.Type
}

// typesOf returns the types of the rows of entries made under a definition.
func (x *entryReader) typesOf(def *table.TableDef) []types.Type {
	if x.def != def {
		x.def, x.types = def, rowTypes(def)
	}
	return x.types
}

// read calls apply for each entry in b, which may keep nothing of it. definition returns the definition under which an
// entry was made, or nil if the entry is to be passed over.
func (x *entryReader) read(
	b []byte, definition func(id table.ObjectID, version uint32) (*table.TableDef, error), apply func(*table.Entry) error,
) error {
	for len(b) > 0 {
		r := decoder{b: b}
		var n uint32
		if h := r.bytes(4); h != nil {
			n = binary.LittleEndian.Uint32(h)
		}
		body := decoder{b: r.bytes(int(n))}
		if r.err != nil {
			return r.err
		}
		b = r.b
		e := &x.e
		*e = table.Entry{Table: body.id()}
		version := body.uvarint()
		e.Version, e.Op = uint32(version), table.EntryOp(body.byte())
		if body.err != nil || version > math.MaxUint32 || e.Op < table.OpInsertRows || e.Op > table.OpLoadRows {
			return corruptedf("bad entry of table %d", e.Table)
		}
		def, err := definition(e.Table, e.Version)
		if err != nil {
			return err
		}
		if def == nil {
			continue
		}
		if err := x.entry(&body, def); err != nil {
			return err
		}
		if err := apply(e); err != nil {
			return err
		}
	}
	return nil
}

// wholeEntries returns the length of the entries at the beginning of b that are there to their ends.
func wholeEntries(b []byte) (n int) {
	for len(b)-n >= 4 {
		size := 4 + int64(binary.LittleEndian.Uint32(b[n:]))
		if size > int64(len(b)-n) {
			break
		}
		n += int(size)
	}
	return n
}

// entry decodes the keys and rows of an entry.
func (x *entryReader) entry(r *decoder, def *table.TableDef) (err error) {
	e := &x.e
	if e.Op == table.OpUpdateRows || e.Op == table.OpDeleteRows {
		r.keys(&e.Keys)
	}
	if r.err == nil && (e.Op == table.OpUpdateRows || e.Op == table.OpInsertRows) {
		if r.b, err = x.decoder.Decode(r.b, x.typesOf(def), &x.rows); err != nil {
			return err
		}
		e.Rows = &x.rows
		if e.Op == table.OpUpdateRows && x.rows.N != e.Keys.Len() {
			r.fail("%d rows for %d keys", x.rows.N, e.Keys.Len())
		}
	}
	if r.err == nil && e.Op == table.OpLoadRows {
		e.Load, r.b = r.b, nil
	}
	if r.err == nil && len(r.b) != 0 {
		r.fail("%d bytes after an entry", len(r.b))
	}
	return r.err
}

func (r *decoder) keys(k *table.Keys) {
	n := r.count(1)
	var end uint64
	k.Ends = make([]uint32, 0, n)
	for range n {
		v := r.uvarint()
		if end += v; v > uint64(len(r.b)) || end > math.MaxUint32 {
			r.fail("keys of %d bytes", end)
			return
		}
		k.Ends = append(k.Ends, uint32(end))
	}
	k.Data = r.bytes(int(end))
}

func corruptedf(format string, args ...any) error {
	return sqlerr.Newf(sqlerr.DataCorrupted, format, args...)
}
