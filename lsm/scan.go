package lsm

import (
	"context"
	"io"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// morselRows is the number of rows that a morsel has, about.
const morselRows = 64 << 10

// scan is a table.Scan on ranges of keys.
type scan struct {
	ts       *tableSnapshot
	cols     []int
	types    []types.Type // of cols
	refs     bool
	rows     int // of a vector
	accepted []table.Pushdown
	// bounds are those of the morsels: morsel i is from bounds[i] up to bounds[i+1], in Pebble's keys.
	bounds [][]byte
	next   atomic.Int64
	closed atomic.Bool
	report struct{ morsels, rows atomic.Int64 }
}

// Scan begins a scan of the rows that the snapshot sees, in the order of their keys.
func (s *tableSnapshot) Scan(spec *table.ScanSpec) (table.Scan, error) {
	x := &scan{ts: s, cols: spec.Cols, refs: spec.Refs, rows: spec.VectorRows}
	if x.rows <= 0 || x.rows > vec.Size {
		x.rows = vec.Size
	}
	for _, c := range spec.Cols {
		if c < 0 || c >= len(s.d.types) {
			return nil, sqlerr.Newf(sqlerr.InternalError, "scan of column %d of table %s", c, s.def.Name)
		}
		x.types = append(x.types, s.d.types[c])
	}
	x.accepted = make([]table.Pushdown, len(spec.Where))
	from, to := s.d.bounds(spec.Where, x.accepted)
	x.bounds = s.d.split(from, to)
	return x, nil
}

// split cuts a range into ranges of about morselRows rows, at keys of the sample.
func (d *data) split(from, to []byte) [][]byte {
	bounds := [][]byte{from}
	if pieces := int(d.live.Load() / morselRows); pieces > 0 {
		keys := d.sample.sorted()
		step := max(1, len(keys)/(pieces+1))
		for i := step; i < len(keys); i += step {
			at := appendRowKey(nil, d.inc, keys[i])
			if string(at) > string(bounds[len(bounds)-1]) && string(at) < string(to) {
				bounds = append(bounds, at)
			}
		}
	}
	return append(bounds, to)
}

func (s *scan) Accepted() []table.Pushdown { return s.accepted }

// Narrow takes nothing over: what is pushed down are bounds of keys, which were set when the scan began.
func (s *scan) Narrow(table.Conjunct) table.Pushdown { return table.None }

// NextMorsel hands out the next range of keys.
func (s *scan) NextMorsel(ctx context.Context) (table.Morsel, error) {
	if ctx.Err() != nil {
		return nil, sqlerr.Canceled(ctx)
	}
	i := int(s.next.Add(1)) - 1
	if i+1 >= len(s.bounds) || s.closed.Load() {
		return nil, io.EOF
	}
	s.report.morsels.Add(1)
	return &morsel{s: s, seq: i, from: s.bounds[i], to: s.bounds[i+1]}, nil
}

func (s *scan) Report() table.ScanReport {
	return table.ScanReport{Tier: "lsm", Morsels: s.report.morsels.Load(), RowsRead: s.report.rows.Load()}
}

func (s *scan) Close() error {
	s.closed.Store(true)
	return nil
}

// morsel is a range of keys read by one goroutine. Between two calls of Read it holds no iterator, so that one that is left
// in the middle leaves nothing open.
type morsel struct {
	s        *scan
	seq      int
	from, to []byte
	done     bool
	bb       *vec.BatchBuilder
	cols     []vec.Vector
	refs     []int64
	r        rowReader
}

func (m *morsel) Rows() int { return int(m.s.ts.d.most.Load()) }
func (m *morsel) Seq() int  { return m.seq }
func (m *morsel) Close()    {}

// Read returns the next rows.
func (m *morsel) Read(ctx context.Context, dst *vec.Batch) error {
	if m.done {
		return io.EOF
	}
	if ctx.Err() != nil {
		return sqlerr.Canceled(ctx)
	}
	if m.bb == nil {
		m.bb = vec.NewBatchBuilder(m.s.types, m.s.rows, nil)
		m.r.types = m.s.ts.d.types
	}
	m.bb.Reset()
	m.refs = m.refs[:0]
	it, err := m.s.ts.s.pin.s.NewIter(&pebble.IterOptions{LowerBound: m.from, UpperBound: m.to})
	if err != nil {
		return pebbleError("scan", err)
	}
	n, err := m.fill(it)
	if err := closeAfter(it, err); err != nil {
		return err
	}
	if n == 0 {
		return io.EOF
	}
	m.s.report.rows.Add(int64(n))
	m.cols = append(m.cols[:0], m.bb.Batch().Groups[0].Cols...)
	if m.s.refs {
		m.cols = append(m.cols, vec.Vector{Type: types.T(types.Int8), Width: 8, N: n, Data: vec.DataOf(m.refs), NullBit: -1})
	}
	dst.Single(n, m.cols, nil)
	return nil
}

// fill reads rows from the iterator's first one on.
func (m *morsel) fill(it *pebble.Iterator) (n int, err error) {
	ok := it.First()
	for ; ok && n < m.s.rows; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return n, pebbleError("scan", err)
		}
		v, err := parseRow(m.s.ts.d.inc, nil, value)
		if err != nil {
			return n, err
		}
		if err := m.r.open(v.row); err != nil {
			return n, err
		}
		for i, c := range m.s.cols {
			if err := m.r.appendTo(m.bb.Col(i), c); err != nil {
				return n, err
			}
		}
		if len(m.s.cols) > 0 {
			if err := m.bb.Commit(); err != nil {
				return n, err
			}
		}
		m.refs = append(m.refs, int64(v.ref))
		n++
	}
	if m.done = !ok; ok {
		m.from = append(m.from[:0:0], it.Key()...)
	}
	return n, pebbleError("scan", it.Error())
}
