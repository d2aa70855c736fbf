package system

import (
	"math"
	"strconv"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/table"
)

// columnStatistics shows what statements are planned with now, whether there was an ANALYZE or not. It has no row for columns of which
// nothing is known: those of empty tables.
func columnStatistics(m *maker) {
	if m.Stats == nil {
		return
	}
	for _, d := range m.tablesOf() {
		st := m.Stats(d)
		for i := range min(st.NumColumns(), len(d.Columns)) {
			if st.Rows > 0 {
				m.columnStatistics(d, i, &st)
			}
		}
	}
}

func (m *maker) columnStatistics(d *table.TableDef, col int, st *table.Stats) {
	c := st.Column(col)
	var values, fractions, bounds any
	if shape := c.Shape(); shape != nil {
		var common, freqs, cuts []string
		for i := range shape.Common {
			common = append(common, d.Columns[col].Type.Text(shape.Common[i].Value))
			freqs = append(freqs, strconv.FormatFloat(shape.Common[i].Fraction, 'g', 6, 32))
		}
		for _, v := range shape.Bounds {
			cuts = append(cuts, d.Columns[col].Type.Text(v))
		}
		values, fractions, bounds = arrayOrNull(common), arrayOrNull(freqs), arrayOrNull(cuts)
	}
	width := d.Columns[col].Type.Size()
	if width < 0 {
		width = int(math.Round(c.WidthBytes))
	}
	m.add(m.schemaName(d.Schema), d.Name, d.Columns[col].Name, false, c.NullFraction, width,
		distinctOf(c, st.Rows), values, fractions, bounds, nil, nil, nil, nil, nil, nil, nil)
}

// distinctOf is the number of distinct values as PostgreSQL has it: minus its part of the rows if there are more values the more
// rows there are.
func distinctOf(c *table.ColumnStats, rows float64) float64 {
	const growing = 0.1
	if c.Distinct > growing*rows {
		return -c.Distinct / rows
	}
	return c.Distinct
}

func arrayOrNull(list []string) any {
	if len(list) == 0 {
		return nil
	}
	return expr.ArrayText(list)
}
