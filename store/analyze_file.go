package store

import (
	"encoding/binary"
	"hash/crc32"
	"maps"
	"math"
	"slices"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
	"github.com/laminadb/lamina/vec/veccodec"
)

// The file with what ANALYZE has found; see docs/format/directory.md. A database without it is whole: it has worse estimates.
const (
	statisticsName    = "STATISTICS"
	statisticsMagic   = "LAMINSTA"
	statisticsVersion = 1
	statisticsHead    = 8 + 4 + 8 // magic, version and length of the body
)

// keepAnalyses writes the file anew, without the tables that have gone, or whose rows end with the process.
func (s *Store) keepAnalyses() error {
	if s.dir == nil {
		return nil
	}
	all := maps.Clone(*s.analyses.all.Load())
	cat := s.newest()
	maps.DeleteFunc(all, func(id table.ObjectID, _ *analysis) bool {
		def := cat.Table(id)
		return def == nil || !s.tiers[s.tierOf(def.Method)].durable
	})
	b, err := encodeAnalyses(all)
	if err != nil {
		return err
	}
	return s.dir.replace(statisticsName, b)
}

// loadAnalyses reads the file. One that cannot be read is left alone: Verify tells of it.
func (s *Store) loadAnalyses() {
	all, err := s.readAnalyses()
	if err != nil {
		s.logger.Warn("statistics are not used", "file", statisticsName, "err", err)
		return
	}
	s.analyses.all.Store(&all)
}

func (s *Store) readAnalyses() (map[table.ObjectID]*analysis, error) {
	b, err := readFile(s.dir.fs, s.dir.join(statisticsName))
	if isNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return decodeAnalyses(b)
}

func encodeAnalyses(all map[table.ObjectID]*analysis) ([]byte, error) {
	b := append(make([]byte, 0, 4096), statisticsMagic...)
	b = binary.LittleEndian.AppendUint32(b, statisticsVersion)
	b = binary.LittleEndian.AppendUint64(b, 0) // length, set below
	b = binary.AppendUvarint(b, uint64(len(all)))
	var err error
	for _, id := range slices.Sorted(maps.Keys(all)) {
		a := all[id]
		b = binary.AppendUvarint(b, uint64(id))
		b = appendFloat(b, a.rows)
		b = binary.AppendUvarint(b, uint64(len(a.columns)))
		for i := range a.columns {
			if b, err = a.columns[i].append(b); err != nil {
				return nil, err
			}
		}
	}
	binary.LittleEndian.PutUint64(b[12:], uint64(len(b)-statisticsHead))
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli)), nil
}

func appendFloat(b []byte, f float64) []byte {
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
}

func (c *analyzedColumn) append(b []byte) ([]byte, error) {
	b = binary.AppendUvarint(b, uint64(c.id))
	name := c.typ.String()
	b = append(binary.AppendUvarint(b, uint64(len(name))), name...)
	b = appendFloat(appendFloat(appendFloat(b, c.stats.NullFraction), c.stats.Distinct), c.stats.WidthBytes)
	var shape table.Shape
	if s := c.stats.Shape(); s != nil {
		shape = *s
	}
	common := make([]types.Datum, len(shape.Common))
	for i := range common {
		common[i] = shape.Common[i].Value
	}
	b, err := appendValues(b, c.typ, common)
	if err != nil {
		return nil, err
	}
	for i := range common {
		b = appendFloat(b, shape.Common[i].Fraction)
	}
	return appendValues(b, c.typ, shape.Bounds)
}

// appendValues appends values of one type as a batch of one column.
func appendValues(b []byte, t types.Type, values []types.Datum) ([]byte, error) {
	bb := vec.NewBatchBuilder([]types.Type{t}, max(1, len(values)), nil)
	defer bb.Release()
	for _, v := range values {
		if err := bb.AppendRow(types.Row{v}); err != nil {
			return nil, err
		}
	}
	return veccodec.Append(b, bb.Batch()), nil
}

func decodeAnalyses(b []byte) (map[table.ObjectID]*analysis, error) {
	if len(b) < statisticsHead+4 || string(b[:8]) != statisticsMagic {
		return nil, damaged(statisticsName, 0, "not a file of statistics")
	}
	body, tail := b[:len(b)-4], b[len(b)-4:]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(tail) {
		return nil, damaged(statisticsName, 0, "checksum does not match")
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v != statisticsVersion {
		return nil, damaged(statisticsName, 8, "version %d, this program reads %d", v, statisticsVersion)
	}
	if n := binary.LittleEndian.Uint64(b[12:]); n != uint64(len(body)-statisticsHead) {
		return nil, damaged(statisticsName, 12, "%d bytes instead of %d", len(body)-statisticsHead, n)
	}
	r := decoder{b: body[statisticsHead:]}
	all := map[table.ObjectID]*analysis{}
	for range r.count(10) {
		id := r.id()
		a := &analysis{rows: r.float()}
		for range r.count(28) {
			a.columns = append(a.columns, r.analyzedColumn())
		}
		all[id] = a
	}
	if r.err == nil && len(r.b) != 0 {
		r.fail("%d bytes after the end", len(r.b))
	}
	if r.err != nil {
		return nil, damaged(statisticsName, 0, "%v", r.err)
	}
	return all, nil
}

func (r *decoder) float() float64 {
	f := math.Float64frombits(r.uint64())
	if math.IsNaN(f) || f < 0 {
		r.fail("impossible number")
		return 0
	}
	return f
}

func (r *decoder) analyzedColumn() (c analyzedColumn) {
	c.id = uint32(r.uvarint())
	name := string(r.bytes(r.count(1)))
	if r.err != nil {
		return c
	}
	var err error
	if c.typ, err = types.ParseType(name); err != nil {
		r.fail("type %q", name)
		return c
	}
	c.stats.NullFraction, c.stats.Distinct, c.stats.WidthBytes = r.float(), r.float(), r.float()
	var shape table.Shape
	for _, v := range r.values(c.typ) {
		shape.Common = append(shape.Common, table.CommonValue{Value: v})
	}
	for i := range shape.Common {
		shape.Common[i].Fraction = r.float()
	}
	shape.Bounds = r.values(c.typ)
	c.stats.SetShape(shape)
	return c
}

func (r *decoder) values(t types.Type) (out []types.Datum) {
	if r.err != nil {
		return nil
	}
	var b vec.Batch
	rest, err := veccodec.Decode(r.b, []types.Type{t}, &b)
	if err != nil {
		r.fail("%v", err)
		return nil
	}
	r.b = rest
	for i := range b.N {
		out = append(out, b.BatchDatum(0, i))
	}
	return out
}
