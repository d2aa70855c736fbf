package rowstore

import (
	"testing"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// TestSampleOfEndedRows: a column whose sample is made after rows have ended has as many values as the others, of the same rows but for
// those: their memory may be somebody else's.
func TestSampleOfEndedRows(t *testing.T) {
	x := newSmall(t, types.T(types.Int8), types.T(types.Int8))
	row := func(k int64) types.Row { return types.Row{types.NewInt(types.Int8, k), types.NewInt(types.Int8, 10*k)} }
	const rows = 400
	for k := range int64(rows) {
		x.apply(table.LSN(2+k), nil, row(k))
	}
	st := x.s.Snapshot(rows + 1).Table(x.def.ID).Stats()
	keys := st.Column(0).Sample
	ended := map[int64]bool{}
	for k := int64(5); k < rows; k += 20 {
		ended[k] = true
		x.apply(table.LSN(rows+2+k), []int64{k}, row(k+rows))
	}
	others := st.Column(1).Sample
	if len(keys) != rows || len(others) != rows {
		t.Fatalf("%d and %d values of %d rows", len(keys), len(others), rows)
	}
	for i, k := range keys {
		v := others[i].I
		if ended[v/10] || v != 10*k.I && !ended[k.I] {
			t.Errorf("value %d beside key %d", v, k.I)
		}
	}
}
