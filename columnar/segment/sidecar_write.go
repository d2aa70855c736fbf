package segment

import (
	"bytes"
	"cmp"
	"hash/crc32"
	"slices"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
	"github.com/laminadb/lamina/vec/veccodec"
)

// The sidecar: header, sections, directory, trailer. See docs/format/sidecar.md.
const (
	sidecarMagic   = 0x4353_4d4c // "LMSC"
	sidecarVersion = 1
	headerBytes    = 64
	trailerBytes   = 16
	entryBytes     = 24
)

// section kinds.
type section uint16

const (
	secSchema     section = iota + 1
	secPages              // chunks and pages
	secOthers             // the rest of the Parquet file
	secZones              // of a column
	secDictionary         // of a column
	secBitmapRoot         // of a column
	secBitmaps            // of a column; each bitmap has a checksum
	secBloom              // of a key; each block has a checksum
	secKeyRoot            // of a key
	secKeyBlocks          // of a key; each block has a checksum
	secSketch             // of a column
	secSample             //
	secExceptions         // of a column
	numSections
)

// entry is one line of the directory.
type entry struct {
	kind section
	arg  uint16 // column or key
	crc  uint32
	off  uint64
	len  uint64
}

// sidecarWriter writes sections.
type sidecarWriter struct {
	s       *sink
	entries []entry
}

func (w *sidecarWriter) add(kind section, arg int, b []byte) {
	w.entries = append(w.entries, entry{kind: kind, arg: uint16(arg), crc: crc32.Checksum(b, castagnoli), off: uint64(w.s.off), len: uint64(len(b))})
	w.s.Write(b) //nolint:errcheck // the sink keeps its first error
}

// writeSidecar writes the sidecar of the finished Parquet file.
func (w *Writer) writeSidecar(seg FileInfo) (FileInfo, error) {
	name := w.name + SidecarSuffix
	s, err := createSink(w.fs, w.fs.PathJoin(w.dir, name), name)
	if err != nil {
		return FileInfo{}, err
	}
	sw := &sidecarWriter{s: s}
	s.Write(w.header(seg)) //nolint:errcheck // the sink keeps its first error
	err = w.sections(sw)
	if err == nil {
		sw.finish()
		err = s.sync()
	}
	if cerr := s.close(); err == nil {
		err = cerr
	}
	return FileInfo{Name: name, Bytes: s.off, CRC: s.crc}, err
}

func (w *Writer) header(seg FileInfo) []byte {
	h := make([]byte, headerBytes)
	le.PutUint32(h, sidecarMagic)
	le.PutUint32(h[4:], sidecarVersion)
	le.PutUint64(h[8:], uint64(w.rows))
	le.PutUint32(h[16:], uint32(w.opts.ZoneRows))
	le.PutUint32(h[20:], uint32(len(w.layouts)))
	le.PutUint64(h[24:], w.opts.MinLSN)
	le.PutUint64(h[32:], w.opts.MaxLSN)
	le.PutUint64(h[40:], uint64(seg.Bytes))
	le.PutUint32(h[48:], seg.CRC)
	le.PutUint32(h[52:], uint32(len(w.schema.Keys)))
	le.PutUint32(h[60:], crc32.Checksum(h[:60], castagnoli))
	return h
}

func (w *sidecarWriter) finish() {
	off := w.s.off
	var d []byte
	for _, e := range w.entries {
		d = le.AppendUint16(d, uint16(e.kind))
		d = le.AppendUint16(d, e.arg)
		d = le.AppendUint32(d, e.crc)
		d = le.AppendUint64(d, e.off)
		d = le.AppendUint64(d, e.len)
	}
	t := le.AppendUint64(nil, uint64(off))
	t = le.AppendUint32(t, crc32.Update(crc32.Checksum(d, castagnoli), castagnoli, t))
	t = le.AppendUint32(t, sidecarMagic)
	w.s.Write(append(d, t...)) //nolint:errcheck // the sink keeps its first error
}

func (w *Writer) sections(sw *sidecarWriter) error {
	sw.add(secSchema, 0, w.encodeSchema())
	sw.add(secPages, 0, w.encodePages())
	sw.add(secOthers, 0, w.encodeOthers())
	for i := range w.cols {
		c, l := &w.cols[i], &w.layouts[i]
		sw.add(secZones, i, encodeZones(l, c.zones))
		sw.add(secSketch, i, c.distinct.sketch.encode())
		if len(c.except) > 0 {
			sw.add(secExceptions, i, encodeExceptions(c.except))
		}
		if err := w.addDictionary(sw, i); err != nil {
			return err
		}
	}
	for i := range w.keys {
		k := &w.keys[i]
		var blocks, root []byte
		if k.clustered(w.rows) {
			root = k.encodeClustered(w.opts.ZoneRows)
		} else {
			blocks, root = k.encode()
		}
		sw.add(secKeyRoot, i, root)
		sw.add(secKeyBlocks, i, blocks)
		sw.add(secBloom, i, buildBloom(len(k.pos), k.at))
	}
	return w.addSample(sw)
}

func (w *Writer) encodeSchema() []byte {
	var e encoder
	for i := range w.schema.Columns {
		c := &w.schema.Columns[i]
		e.bytes([]byte(c.Name))
		e.u(uint64(c.FieldID))
		e.byte(byte(c.Type.Kind))
		e.i(int64(c.Type.Mod))
		flags := byte(0)
		if c.NotNull {
			flags = 1
		}
		e.byte(flags)
		comp := c.Compression
		if comp == CompressionDefault {
			comp = w.opts.Compression
		}
		e.byte(byte(comp))
	}
	for _, k := range w.schema.Keys {
		e.bytes([]byte(k.Name))
		e.cols(k.Cols)
	}
	e.cols(w.schema.Sort)
	return e.b
}

func (e *encoder) cols(cols []int) {
	e.u(uint64(len(cols)))
	for _, c := range cols {
		e.u(uint64(c))
	}
}

func (w *Writer) encodePages() []byte {
	var e encoder
	e.u(uint64(len(w.groups)))
	for g := range w.groups {
		e.u(uint64(w.groups[g].rows))
		for i := range w.cols {
			ch := &w.cols[i].chunks[g]
			first := ch.pages[0].tile
			if ch.dict != nil {
				first = *ch.dict
			}
			e.u(uint64(first.off))
			e.u(uint64(len(ch.pages)))
			if ch.dict != nil {
				e.byte(1)
				e.tile(ch.dict)
			} else {
				e.byte(0)
			}
			for p := range ch.pages {
				e.page(&ch.pages[p])
			}
		}
	}
	return e.b
}

func (e *encoder) tile(t *tile) {
	e.u(uint64(t.len))
	e.u32(t.crc)
}

func (e *encoder) page(p *page) {
	e.tile(&p.tile)
	e.u(uint64(p.head))
	e.u(uint64(p.raw))
	e.u(uint64(p.levels))
	e.u(uint64(p.rows))
	e.u(uint64(p.nulls))
	e.byte(p.enc)
}

func (w *Writer) encodeOthers() []byte {
	var e encoder
	e.u(uint64(len(w.others)))
	for i := range w.others {
		e.u(uint64(w.others[i].off))
		e.tile(&w.others[i])
	}
	return e.b
}

func encodeZones(l *layout, zones []zone) []byte {
	var e encoder
	e.u(uint64(len(zones)))
	for i := range zones {
		z := &zones[i]
		e.byte(z.flags)
		e.u(uint64(z.rows))
		e.u(uint64(z.nulls))
		e.u(uint64(z.lenMax))
		switch {
		case z.flags&zoneBounded == 0:
		case l.ints():
			e.i(z.lo)
			e.u(uint64(z.hi) - uint64(z.lo))
		default:
			e.bytes(z.loKey)
			e.bytes(z.hiKey)
		}
	}
	return e.b
}

func encodeExceptions(xs []exception) []byte {
	var e encoder
	e.u(uint64(len(xs)))
	for i := range xs {
		e.u(uint64(xs[i].pos))
		e.bytes(xs[i].value)
	}
	return e.b
}

// rank sorts the dictionary; rank[old code] is the new one.
func (d *distinct) rank(l *layout) (order, rank []uint32, values []types.Datum) {
	n := d.len()
	values = make([]types.Datum, n)
	order, rank = make([]uint32, n), make([]uint32, n)
	for c := range n {
		order[c] = uint32(c)
		values[c] = d.datum(l, c)
	}
	slices.SortFunc(order, func(a, b uint32) int {
		if c := types.Compare(values[a], values[b]); c != 0 {
			return c
		}
		if d.strs != nil {
			return bytes.Compare(d.strs[a], d.strs[b])
		}
		return cmp.Compare(d.ints[a], d.ints[b])
	})
	for r, c := range order {
		rank[c] = uint32(r)
	}
	return order, rank, values
}

func (d *distinct) datum(l *layout, c int) types.Datum {
	v := values{l: l}
	switch l.mean {
	case meanInt, meanDecimal, meanFloat:
		v.ints = d.ints[c : c+1]
	case meanString:
		return types.NewString(l.typ.Kind, string(d.strs[c]))
	case meanText:
		x, err := types.Parse(types.T(types.Numeric), string(d.strs[c]))
		if err != nil {
			panic(err) // it is the text of a numeric, which always parses
		}
		return x
	default:
		v.fixed = d.strs[c]
	}
	return v.datum(0)
}

// Flags of a dictionary.
const dictComplete = 1 // every value of the column is in it

func (w *Writer) addDictionary(sw *sidecarWriter, i int) error {
	d, l := &w.cols[i].distinct, &w.layouts[i]
	withBits := !d.over && d.wantBits
	if len(d.chunks) == 0 && !withBits {
		return nil
	}
	order, rank, values := d.rank(l)
	b := vec.NewBuilder(l.typ, len(values), nil)
	for _, c := range order {
		if err := b.Append(values[c]); err != nil {
			return err
		}
	}
	var batch vec.Batch
	batch.Single(len(values), []vec.Vector{b.Vector()}, nil)
	var e encoder
	flags := byte(0)
	if !d.over {
		flags = dictComplete
	}
	e.byte(flags)
	e.u(uint64(len(d.chunks)))
	for _, ch := range d.chunks {
		e.u(uint64(len(ch)))
		for _, c := range ch {
			e.u(uint64(rank[c]))
		}
	}
	e.b = veccodec.Append(e.b, &batch)
	sw.add(secDictionary, i, e.b)
	if !withBits {
		return nil
	}
	return w.addBitmaps(sw, i, order)
}

func (w *Writer) addSample(sw *sidecarWriter) error {
	bb := vec.NewBatchBuilder(w.schema.types(), max(len(w.sample.rows), 1), nil)
	for _, r := range w.sample.rows {
		if err := bb.AppendRow(r); err != nil {
			return sqlerr.Newf(sqlerr.InternalError, "sample of segment %s: %w", w.name, err)
		}
	}
	sw.add(secSample, 0, veccodec.Append(nil, bb.Batch()))
	return nil
}
