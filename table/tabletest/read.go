package tabletest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// read runs a step that reads, and compares.
func (r *runner) read(o *op, p *pair, st table.Statement, id table.ObjectID, see *Table) error {
	if o.Kind == opGet && see.Shape != Keyless {
		p.m.Read(o.Slot, func(k int64, _ Row) bool { return slices.Contains(o.Keys, k) })
		return r.get(o, st, id, see)
	}
	spec := table.ScanSpec{Refs: o.Spread, VectorRows: []int{0, 1, 3, 64}[o.N]}
	n := 2
	if see.Shape != Composite {
		n = 1
	}
	switch o.Seed % 5 {
	case 1:
		spec.Where = []table.Conjunct{{Col: n, Op: table.OpLt, Value: types.NewInt(types.Int4, o.V%uniqueMax)}}
	case 2:
		spec.Where = []table.Conjunct{{Col: n, Op: table.OpIsNull}}
	case 3:
		spec.Where = []table.Conjunct{{Col: n + 1, Op: table.OpPrefix, Value: types.NewString(types.Text, "v1")},
			{Col: n, Op: table.OpIsNotNull}}
	}
	p.m.Read(o.Slot, func(k int64, row Row) bool { return matchesAll(rowOf(see.Shape, k, row), spec.Where) })
	return r.scan(st, id, see, spec)
}

// matchesAll reports whether a row meets all conjuncts.
func matchesAll(row types.Row, where []table.Conjunct) bool {
	return !slices.ContainsFunc(where, func(c table.Conjunct) bool { return !holds(row, &c) })
}

// scan compares what a scan finds with a table of the model.
func (r *runner) scan(st table.Statement, id table.ObjectID, see *Table, spec table.ScanSpec) error {
	rd, err := st.Reader(r.ctx, id)
	if err != nil {
		return err
	}
	got, err := scanAll(r.ctx, rd, spec)
	if err != nil {
		return err
	}
	r.n.Scans++
	var want []string
	for _, k := range see.Keys() {
		row := rowOf(see.Shape, k, see.Rows[k])
		if matchesAll(row, spec.Where) {
			want = append(want, textOf(rd.Def(), row))
		}
	}
	slices.Sort(want)
	have := slices.Sorted(slices.Values(got.rows))
	if !slices.Equal(have, want) {
		return fmt.Errorf("scan of %s finds\n  %s\nwant\n  %s", rd.Def().Name, strings.Join(have, "\n  "), strings.Join(want, "\n  "))
	}
	if !spec.Refs || len(got.refs) == 0 {
		return nil
	}
	refs := got.refs[:min(len(got.refs), vec.Size)]
	var b vec.Batch
	if err := rd.Fetch(r.ctx, refs, allColumns(rd.Def()), &b); err != nil {
		return err
	}
	for i := range refs {
		if text := textOf(rd.Def(), b.Row(i, nil)); text != got.rows[i] {
			return fmt.Errorf("fetch by reference gives %s, the scan %s", text, got.rows[i])
		}
	}
	return nil
}

// get looks keys up, one by one and together.
func (r *runner) get(o *op, st table.Statement, id table.ObjectID, see *Table) error {
	rd, err := st.Reader(r.ctx, id)
	if err != nil {
		return err
	}
	var keys []types.Row
	var want []string
	for i, k := range o.Keys {
		row, there := see.Rows[k]
		got, err := rd.Get(r.ctx, keyOf(see.Shape, k), allColumns(rd.Def()), nil)
		if !there {
			if err != table.ErrNotFound {
				return fmt.Errorf("get of absent row %d: %v, %v", k, got, err)
			}
		} else if text := textOf(rd.Def(), rowOf(see.Shape, k, row)); err != nil || textOf(rd.Def(), got) != text {
			return fmt.Errorf("get of row %d: %v, %v; want %s", k, got, err, text)
		} else {
			want = append(want, fmt.Sprint(i, " ", text))
		}
		keys = append(keys, keyOf(see.Shape, k))
	}
	var b vec.Batch
	if err := rd.GetBatch(r.ctx, keys, allColumns(rd.Def()), &b); err != nil {
		return err
	}
	var have []string
	for i := range b.N {
		row := b.Row(i, nil)
		n := len(row) - 1
		have = append(have, fmt.Sprint(row[n].I, " ", textOf(rd.Def(), row[:n])))
	}
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		return fmt.Errorf("batch of keys finds %v, want %v", have, want)
	}
	return nil
}
