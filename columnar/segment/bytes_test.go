package segment_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/tpch"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

var bytesScale = flag.Float64("bytes.scale", 0.01, "scale factor of TestBytesOnDisk")

// rowsPerSegment is where TestBytesOnDisk begins another segment.
const rowsPerSegment = 1 << 20

// primaryKeys are the columns of TPC-H's primary keys, by which segments are sorted.
var primaryKeys = map[tpch.Table][]int{tpch.LineItem: {0, 3}, tpch.PartSupp: {0, 1}}

// measured is what the segments of one table take.
type measured struct {
	table          tpch.Table
	schema         segment.Schema
	types          []types.Type
	w              *segment.Writer
	rows, segments int
	data, side     []int64 // by column
	index, bloom   int64
	total, other   int64
}

func newMeasured(t *testing.T, table tpch.Table) *measured {
	t.Helper()
	m := &measured{table: table}
	for i, c := range table.Columns() {
		typ, err := types.ParseType(c.SQLType())
		if err != nil {
			t.Fatal(err)
		}
		m.types = append(m.types, typ)
		m.schema.Columns = append(m.schema.Columns, segment.Column{Name: c.Name, Type: typ, FieldID: int32(i + 1), NotNull: true})
	}
	key := primaryKeys[table]
	if key == nil {
		key = []int{0}
	}
	m.schema.Keys, m.schema.Sort = []segment.Key{{Name: "pkey", Cols: key}}, key
	m.data, m.side = make([]int64, len(m.types)), make([]int64, len(m.types))
	return m
}

func (m *measured) add(t *testing.T, fs vfs.FS, dir string, b *vec.Batch) {
	t.Helper()
	if m.w == nil {
		var err error
		if m.w, err = segment.NewWriter(fs, dir, m.name(), m.schema, segment.Options{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.w.Append(b); err != nil {
		t.Fatal(err)
	}
	if m.rows += b.N; m.rows >= (m.segments+1)*rowsPerSegment {
		m.finish(t, fs, dir)
	}
}

func (m *measured) name() string { return fmt.Sprintf("%s-%d", m.table, m.segments) }

func (m *measured) finish(t *testing.T, fs vfs.FS, dir string) {
	t.Helper()
	if m.w == nil {
		return
	}
	info, err := m.w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	seg, err := segment.Open(fs, dir, m.name(), &info, nil)
	if err != nil {
		t.Fatal(err)
	}
	m.w = nil
	m.segments++
	sum := int64(0)
	for c := range m.types {
		data, side := seg.ColumnBytes(c)
		m.data[c] += data
		m.side[c] += side
		sum += data + side
	}
	index, bloom := seg.KeyBytes(0)
	m.index, m.bloom = m.index+index, m.bloom+bloom
	total := info.Segment.Bytes + info.Sidecar.Bytes
	m.total += total
	m.other += total - sum - index - bloom
	if err := seg.Close(); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{segment.SegmentSuffix, segment.SidecarSuffix} {
		if err := fs.Remove(fs.PathJoin(dir, strings.TrimSuffix(info.Segment.Name, segment.SegmentSuffix)+suffix)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBytesOnDisk prints what TPC-H's tables take, by column: go test -run TestBytesOnDisk -v -args -bytes.scale 1.
func TestBytesOnDisk(t *testing.T) {
	g, err := tpch.New(*bytesScale)
	if err != nil {
		t.Fatal(err)
	}
	tables := []tpch.Table{tpch.Region, tpch.Nation, tpch.Supplier, tpch.Customer, tpch.Part, tpch.PartSupp, tpch.Orders, tpch.LineItem}
	all, fs, dir := map[tpch.Table]*measured{}, vfs.Default, t.TempDir()
	for _, table := range tables {
		all[table] = newMeasured(t, table)
	}
	err = g.Generate(context.Background(), tpch.GenerateOptions{Tables: tables, Workers: 1, BatchUnits: 450, Ordered: true},
		func(_ context.Context, b tpch.Batch, _ int64) error {
			m := all[b.Table()]
			bb := vec.NewBatchBuilder(m.types, b.Len(), nil)
			defer bb.Release()
			if err := fillBatch(bb, b); err != nil {
				return err
			}
			m.add(t, fs, dir, sorted(bb.Batch(), m.schema.Sort))
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	total, rows := int64(0), 0
	for _, table := range tables {
		m := all[table]
		m.finish(t, fs, dir)
		m.log(t)
		total, rows = total+m.total, rows+m.rows
	}
	t.Logf("%d rows in %d bytes: %.1f MiB, at scale factor 1 %.1f MiB", rows, total, float64(total)/(1<<20), float64(total)/(1<<20) / *bytesScale)
	const fixed = 800 << 10 // of the small tables
	if limit := int64(255 << 20 * *bytesScale); total > limit+fixed || rows < int(8_000_000**bytesScale) {
		t.Errorf("%d bytes for %d rows", total, rows)
	}
}

// sorted returns a batch in the order of two integer columns: the suppliers of a part come in none.
func sorted(b *vec.Batch, by []int) *vec.Batch {
	if len(by) < 2 {
		return b
	}
	first, _ := b.Col(by[0])
	second, _ := b.Col(by[1])
	sel := make([]uint16, b.N)
	for i := range sel {
		sel[i] = uint16(i)
	}
	slices.SortFunc(sel, func(i, j uint16) int {
		return cmp.Or(cmp.Compare(first.Int(int(i)), first.Int(int(j))), cmp.Compare(second.Int(int(i)), second.Int(int(j))))
	})
	b.Groups[0].Sel = sel
	return b
}

func (m *measured) log(t *testing.T) {
	n := float64(m.rows)
	t.Logf("%-10s %8d rows %10d bytes %6.2f a row: index %.2f, bloom filter %.2f, other %.2f", m.table, m.rows, m.total,
		float64(m.total)/n, float64(m.index)/n, float64(m.bloom)/n, float64(m.other)/n)
	for c := range m.types {
		t.Logf("    %-16s %10d %6.2f + %.2f", m.schema.Columns[c].Name, m.data[c]+m.side[c], float64(m.data[c])/n, float64(m.side[c])/n)
	}
}
