package store

import (
	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// foreign checks that rows of the View reference rows of it, by primary keys: the other indexes show newer states only.
func (v *verifier) foreign(view *view, def *table.TableDef, b *vec.Batch) {
	for i := range def.Foreign {
		f := &def.Foreign[i]
		parent := view.State.catalog.Table(f.Table)
		if parent == nil || f.NotValid {
			continue
		}
		k, cols := parent.RefKey(f.RefColumns)
		ts := view.State.table(v.s, parent)
		if k < 0 || ts == nil || !parent.Keys[k].Primary {
			continue
		}
		for row := range b.N {
			key, ok := referencedKey(def, f, parent, k, cols, b, row)
			if !ok {
				continue
			}
			if _, found := ts.Get(key); found {
				continue
			}
			text := rowText(def, b.Row(row, make(types.Row, 0, len(def.Columns)+1)))
			v.report(table.Damage{Object: def.Name, Err: sqlerr.Newf(sqlerr.DataCorrupted,
				"row (%s) of table \"%s\" references nothing by constraint \"%s\"", text, def.Name, f.Name)})
			if v.stopped {
				return
			}
		}
	}
}

// referencedKey encodes the key of Keys[k] that a row references; ok is false if it references none.
func referencedKey(
	def *table.TableDef, f *table.ForeignKey, parent *table.TableDef, k int, cols []int, b *vec.Batch, row int,
) (key []byte, ok bool) {
	var values types.Row
	for _, col := range parent.Keys[k].Columns {
		d := b.BatchDatum(f.Columns[indexOf(cols, col)], row)
		if !d.Valid {
			return nil, false
		}
		d, fits := table.ReferenceValue(d, parent.Columns[col].Type.Kind)
		if !fits {
			return []byte{}, true // no row has it
		}
		values = append(values, d)
	}
	return index.AppendValues(nil, values)
}
