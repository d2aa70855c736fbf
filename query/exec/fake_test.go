package exec

import (
	"context"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// fakeTable is a table for tests: rows in Go memory, handed out in morsels.
type fakeTable struct {
	table.Reader
	def    *table.TableDef
	rows   []types.Row
	morsel int // rows of a morsel
	// facts makes vectors carry facts about their morsel; forms re-encodes batches.
	facts  bool
	forms  *rand.Rand
	onScan func(morsels int) // called at every morsel
	// hole, if not nil, makes the value of a column in a row that is not there: scans that may have holes get some.
	hole func(col int) types.Datum
	// dicts, if not nil, holds the dictionaries of strings by place and column: see withDictionaries.
	dicts   map[[2]int]*vec.Dictionary
	dictsMu sync.Mutex
}

// tableHoles counts the holes of the batches of all tables.
var tableHoles atomic.Int64

type fakeStatement struct {
	table.Statement
	tables map[table.ObjectID]*fakeTable
	others map[table.ObjectID]table.Reader // in place of those of tables
}

func (s *fakeStatement) Reader(_ context.Context, id table.ObjectID) (table.Reader, error) {
	if r, ok := s.others[id]; ok {
		return r, nil
	}
	return s.tables[id], nil
}

func (t *fakeTable) Def() *table.TableDef { return t.def }

func (t *fakeTable) Get(_ context.Context, key types.Row, cols []int, dst types.Row) (types.Row, error) {
	for _, r := range t.rows {
		if types.Equal(r[t.def.PrimaryKey()[0]], key[0]) {
			for _, c := range cols {
				dst = append(dst, r[c])
			}
			return dst, nil
		}
	}
	return dst, table.ErrNotFound
}

func (t *fakeTable) Scan(_ context.Context, spec table.ScanSpec) (table.Scan, error) {
	s := &fakeScan{t: t, spec: spec}
	if s.spec.VectorRows == 0 {
		s.spec.VectorRows = vec.Size
	}
	return s, nil
}

type fakeScan struct {
	t    *fakeTable
	spec table.ScanSpec
	mu   sync.Mutex
	next int
}

func (s *fakeScan) Accepted() []table.Pushdown { return make([]table.Pushdown, len(s.spec.Where)) }
func (s *fakeScan) Narrow(table.Conjunct) table.Pushdown {
	return table.None
}
func (s *fakeScan) Report() table.ScanReport { return table.ScanReport{} }
func (s *fakeScan) Close() error             { return nil }

func (s *fakeScan) NextMorsel(context.Context) (table.Morsel, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from := s.next * s.t.morsel
	if from >= len(s.t.rows) {
		return nil, io.EOF
	}
	m := &fakeMorsel{s: s, seq: s.next, rows: s.t.rows[from:min(from+s.t.morsel, len(s.t.rows))]}
	s.next++
	if s.t.onScan != nil {
		s.t.onScan(s.next)
	}
	if s.t.forms != nil {
		m.rng = rand.New(rand.NewPCG(s.t.forms.Uint64(), 1))
	}
	if s.t.facts {
		for _, c := range s.spec.Cols {
			m.facts = append(m.facts, factOf(m.rows, c))
		}
	}
	return m, nil
}

// factOf returns what is true of a column in all rows.
func factOf(rows []types.Row, c int) *vec.Fact {
	f := &vec.Fact{NoNulls: true, Ascending: true, Bounded: true, LenMax: -1}
	seen := false
	for i, r := range rows {
		d := r[c]
		if d.IsNull() {
			f.NoNulls, f.Ascending = false, false
			continue
		}
		if i > 0 && !rows[i-1][c].IsNull() && types.Compare(rows[i-1][c], d) > 0 {
			f.Ascending = false
		}
		if d.K.Class() != types.ClassInt {
			f.Bounded = false
			continue
		}
		if !seen {
			f.Min, f.Max, seen = d.I, d.I, true
		}
		f.Min, f.Max = min(f.Min, d.I), max(f.Max, d.I)
	}
	f.Bounded = f.Bounded && seen
	return f
}

type fakeMorsel struct {
	s     *fakeScan
	seq   int
	rows  []types.Row
	at    int
	rng   *rand.Rand
	facts []*vec.Fact
}

func (m *fakeMorsel) Rows() int { return len(m.rows) }
func (m *fakeMorsel) Seq() int  { return m.seq }
func (m *fakeMorsel) Close()    {}

func (m *fakeMorsel) Read(_ context.Context, dst *vec.Batch) error {
	n := min(m.s.spec.VectorRows, len(m.rows)-m.at)
	if n == 0 {
		return io.EOF
	}
	var ts []types.Type
	for _, c := range m.s.spec.Cols {
		ts = append(ts, m.s.t.def.Columns[c].Type)
	}
	bb := vec.NewBatchBuilder(ts, n, nil)
	row := make(types.Row, len(ts))
	for _, r := range m.rows[m.at : m.at+n] {
		for i, c := range m.s.spec.Cols {
			row[i] = r[c]
		}
		if err := bb.AppendRow(row); err != nil {
			return err
		}
	}
	m.at += n
	*dst = *bb.Batch()
	if m.s.t.hole != nil && m.s.spec.Holes && m.s.spec.VectorRows == vec.Size {
		return m.withHoles(dst, n)
	}
	if m.s.t.dicts != nil {
		m.withDictionaries(dst)
	}
	if m.rng != nil {
		*dst = *vec.Reencode(m.rng, dst)
	}
	if m.facts != nil {
		for i := range dst.Groups[0].Cols {
			dst.Groups[0].Cols[i].Fact = m.facts[i]
		}
	}
	return nil
}

// withDictionaries gives the strings of dst a dictionary for every four morsels, which rotates so that codes mean
// other strings.
func (m *fakeMorsel) withDictionaries(dst *vec.Batch) {
	t := m.s.t
	t.dictsMu.Lock()
	defer t.dictsMu.Unlock()
	for k, c := range m.s.spec.Cols {
		v := &dst.Groups[0].Cols[k]
		if v.Form != vec.Str || v.VarNumeric {
			continue
		}
		at := [2]int{m.seq / 4, c}
		if t.dicts[at] == nil {
			var texts []string
			from := at[0] * 4 * t.morsel
			for _, r := range t.rows[from:min(from+4*t.morsel, len(t.rows))] {
				if d := r[c]; !d.IsNull() && !slices.Contains(texts, d.S) {
					texts = append(texts, d.S)
				}
			}
			slices.Sort(texts)
			if len(texts) > 0 {
				n := at[0] % len(texts)
				texts = append(texts[n:], texts[:n]...)
			}
			b := vec.NewBuilder(v.Type, len(texts), nil)
			for _, s := range texts {
				_ = b.Append(types.NewString(types.Text, s))
			}
			t.dicts[at] = &vec.Dictionary{Values: b.Vector()}
		}
		m.code(v, t.dicts[at])
	}
}

// code turns strings into codes.
func (m *fakeMorsel) code(v *vec.Vector, d *vec.Dictionary) {
	codes := make([]uint8, v.N+1)
	for i := range v.N {
		if v.IsNull(i) {
			continue
		}
		for c := range d.Values.N {
			if d.Values.Datum(c).S == v.Datum(i).S {
				codes[i] = uint8(c)
			}
		}
	}
	v.Form, v.Width, v.Data, v.Dictionary, v.Blocks = vec.Dict, 1, vec.DataOf(codes), d, nil
}

// withHoles makes dst the last n rows again, with some that are not there between them.
func (m *fakeMorsel) withHoles(dst *vec.Batch, n int) error {
	rng := rand.New(rand.NewPCG(uint64(m.seq), uint64(m.at)))
	m.at -= n
	n = min(n, vec.Size*7/8)
	var ts []types.Type
	for _, c := range m.s.spec.Cols {
		ts = append(ts, m.s.t.def.Columns[c].Type)
	}
	bb := vec.NewBatchBuilder(ts, vec.Size, nil)
	var holes []uint16
	row := make(types.Row, len(ts))
	for _, r := range m.rows[m.at : m.at+n] {
		for rng.IntN(20) == 0 && len(holes) < vec.Size-n {
			holes = append(holes, uint16(bb.Len()))
			for i, c := range m.s.spec.Cols {
				row[i] = m.s.t.hole(c)
			}
			if err := bb.AppendRow(row); err != nil {
				return err
			}
		}
		for i, c := range m.s.spec.Cols {
			row[i] = r[c]
		}
		if err := bb.AppendRow(row); err != nil {
			return err
		}
	}
	m.at += n
	tableHoles.Add(int64(len(holes)))
	*dst = *bb.Batch()
	dst.Single(n, dst.Groups[0].Cols, nil)
	dst.Groups[0].Holes = holes
	for i, f := range m.facts {
		dst.Groups[0].Cols[i].Fact = f
	}
	return nil
}

var _ table.Scan = (*fakeScan)(nil)
