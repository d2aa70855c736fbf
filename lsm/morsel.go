package lsm

import (
	"context"
	"io"

	"github.com/cockroachdb/pebble/v2"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// morsel is some ranges of keys read by one goroutine. Between two calls of Read it holds no iterator, so that one that is
// left in the middle leaves nothing open.
type morsel struct {
	s   *scan
	seq int
	// ranges are those left; the first begins where the last Read ended.
	ranges []keyRange
	bb     *vec.BatchBuilder
	cols   []vec.Vector
	refs   []int64
	r      rowReader
	where  [2][]condition
}

func (m *morsel) Rows() int { return int(m.s.ts.d.most.Load()) }
func (m *morsel) Seq() int  { return m.seq }

// Close gives the memory of the vectors to a later morsel.
func (m *morsel) Close() {
	if m.bb != nil {
		m.s.builders.Put(m.bb)
		m.bb = nil
	}
	m.ranges = nil
}

// Read returns the next rows.
func (m *morsel) Read(ctx context.Context, dst *vec.Batch) error {
	if len(m.ranges) == 0 {
		return io.EOF
	}
	m.prepare()
	it, err := m.s.ts.s.pin.s.NewIter(&pebble.IterOptions{
		LowerBound: m.ranges[0].from, UpperBound: m.ranges[len(m.ranges)-1].to,
	})
	if err != nil {
		return pebbleError("scan", err)
	}
	n, skipped, err := m.fill(ctx, it)
	m.s.report.rows.Add(int64(n))
	m.s.report.skipped.Add(int64(skipped))
	if err := closeAfter(it, err); err != nil {
		return err
	}
	if n == 0 {
		return io.EOF
	}
	if len(m.s.cols) > 0 {
		if err := m.bb.Commit(); err != nil {
			return err
		}
	}
	m.cols = append(m.cols[:0], m.bb.Batch().Groups[0].Cols...)
	for i, c := range m.s.cols {
		if c == m.s.ts.d.identity[0] && m.cols[i].Type.Class() == types.ClassInt {
			m.cols[i].Fact = &ascending
		}
	}
	if m.s.refs {
		m.cols = append(m.cols, vec.Vector{Type: types.T(types.Int8), Width: 8, N: n, Data: vec.DataOf(m.refs), NullBit: -1})
	}
	dst.Single(n, m.cols, nil)
	return nil
}

// ascending is what is known of integers that the key begins with: rows are read in the order of their keys.
var ascending = vec.Fact{NoNulls: true, Ascending: true, LenMax: -1}

// prepare has room for vectors, and the conditions of now.
func (m *morsel) prepare() {
	if m.bb == nil {
		if bb, ok := m.s.builders.Get().(*vec.BatchBuilder); ok {
			m.bb = bb
		} else {
			m.bb = vec.NewBatchBuilder(m.s.types, m.s.rows, nil)
		}
		m.r.types = m.s.ts.d.types
	}
	m.bb.Reset()
	m.refs = m.refs[:0]
	m.where[0] = m.s.where
	if n := m.s.narrowed.Load(); n != nil {
		m.where[1] = n.where
	}
}

// lookEvery is the number of rows after which a scan that finds none looks whether it is to go on.
const lookEvery = 4096

// fill reads rows until a vector is full.
func (m *morsel) fill(ctx context.Context, it *pebble.Iterator) (n, skipped int, err error) {
	single := len(m.ranges) == 1
	for ; len(m.ranges) > 0; m.ranges = m.ranges[1:] {
		if !single {
			it.SetBounds(m.ranges[0].from, m.ranges[0].to)
		}
		for ok := it.First(); ok; ok = it.Next() {
			if n == m.s.rows {
				m.ranges[0].from = append([]byte(nil), it.Key()...)
				return n, skipped, nil
			}
			if (n+skipped)%lookEvery == 0 && ctx.Err() != nil {
				return n, skipped, sqlerr.Canceled(ctx)
			}
			taken, err := m.take(it)
			if err != nil {
				return n, skipped, err
			}
			if taken {
				n++
			} else {
				skipped++
			}
		}
		if err := it.Error(); err != nil {
			return n, skipped, pebbleError("scan", err)
		}
	}
	return n, skipped, nil
}

// take appends the columns of a row, unless it fails a condition.
func (m *morsel) take(it *pebble.Iterator) (bool, error) {
	value, err := it.ValueAndErr()
	if err != nil {
		return false, pebbleError("scan", err)
	}
	v, err := parseRow(m.s.ts.d.inc, nil, value)
	if err != nil {
		return false, err
	}
	if err := m.r.open(v.row); err != nil {
		return false, err
	}
	for _, list := range m.where {
		for i := range list {
			if ok, err := list[i].holds(&m.r); !ok || err != nil {
				return false, err
			}
		}
	}
	for i, c := range m.s.cols {
		if err := m.r.appendTo(m.bb.Col(i), c); err != nil {
			return false, err
		}
	}
	if m.s.refs {
		m.refs = append(m.refs, int64(v.ref))
	}
	return true, nil
}
