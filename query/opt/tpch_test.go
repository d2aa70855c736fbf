package opt_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/laminadb/lamina/query/bind/bindtest"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/tpch"
	"github.com/laminadb/lamina/types"
)

// sf1 are the statistics of TPC-H at scale factor 1, from the specification's own formulas.
var sf1 = map[string]struct {
	rows     float64
	distinct map[string]float64
	bounds   map[string][2]string
}{
	"region":   {rows: 5, distinct: map[string]float64{"r_name": 5}},
	"nation":   {rows: 25, distinct: map[string]float64{"n_name": 25, "n_regionkey": 5}},
	"supplier": {rows: 10000, distinct: map[string]float64{"s_nationkey": 25, "s_name": 10000, "s_acctbal": 9955}},
	"customer": {rows: 150000, distinct: map[string]float64{
		"c_nationkey": 25, "c_mktsegment": 5, "c_name": 150000, "c_phone": 150000, "c_acctbal": 140187,
	}},
	"part": {rows: 200000, distinct: map[string]float64{
		"p_brand": 25, "p_type": 150, "p_size": 50, "p_container": 40, "p_name": 199997, "p_mfgr": 5,
	}, bounds: map[string][2]string{"p_size": {"1", "50"}}},
	"partsupp": {rows: 800000, distinct: map[string]float64{
		"ps_partkey": 200000, "ps_suppkey": 10000, "ps_supplycost": 99865, "ps_availqty": 9999,
	}},
	"orders": {rows: 1500000, distinct: map[string]float64{
		"o_custkey": 99996, "o_orderdate": 2406, "o_orderpriority": 5, "o_orderstatus": 3, "o_clerk": 1000,
		"o_totalprice": 1464556, "o_shippriority": 1,
	}, bounds: map[string][2]string{"o_orderdate": {"1992-01-01", "1998-08-02"}}},
	"lineitem": {rows: 6001215, distinct: map[string]float64{
		"l_orderkey": 1500000, "l_partkey": 200000, "l_suppkey": 10000, "l_linenumber": 7, "l_quantity": 50,
		"l_discount": 11, "l_tax": 9, "l_returnflag": 3, "l_linestatus": 2, "l_shipdate": 2526, "l_commitdate": 2466,
		"l_receiptdate": 2554, "l_shipinstruct": 4, "l_shipmode": 7, "l_extendedprice": 933900,
	}, bounds: map[string][2]string{
		"l_shipdate": {"1992-01-02", "1998-12-01"}, "l_receiptdate": {"1992-01-03", "1998-12-31"},
		"l_commitdate": {"1992-01-31", "1998-10-31"}, "l_quantity": {"1", "50"}, "l_discount": {"0", "0.1"},
	}},
}

// tpchEnv is the schema of TPC-H with the statistics of scale factor 1.
func tpchEnv(t testing.TB) *env {
	t.Helper()
	e := &env{schema: bindtest.New(), stats: map[string]*table.Stats{}}
	for _, tab := range tpch.Tables() {
		if err := e.schema.Exec(tpch.DDL(tab)); err != nil {
			t.Fatal(err)
		}
	}
	for name, s := range sf1 {
		def := e.schema.LookupRelation(table.PublicSchema, name).(*table.TableDef)
		st := &table.Stats{Rows: s.rows, Columns: make([]table.ColumnStats, len(def.Columns))}
		for col, d := range s.distinct {
			st.Columns[def.ColumnIndex(col)].Distinct = d
		}
		for col, b := range s.bounds {
			i := def.ColumnIndex(col)
			var err error
			if st.Columns[i].Min, err = types.Parse(def.Columns[i].Type, b[0]); err != nil {
				t.Fatal(err)
			}
			if st.Columns[i].Max, err = types.Parse(def.Columns[i].Type, b[1]); err != nil {
				t.Fatal(err)
			}
		}
		e.stats[name] = st
	}
	return e
}

// TestTPCH plans all queries and compares the plans with testdata/tpch; UPDATE_PLANS=1 rewrites them.
func TestTPCH(t *testing.T) {
	e := tpchEnv(t)
	for n := 1; n <= 22; n++ {
		t.Run(fmt.Sprintf("Q%d", n), func(t *testing.T) {
			q, _, err := e.physical(tpch.Query(n), nil)
			if err != nil {
				t.Fatal(formatError(err))
			}
			got := plan.FormatQuery(q, plan.FormatOptions{Costs: true})
			path := filepath.Join("testdata", "tpch", fmt.Sprintf("q%02d", n))
			if os.Getenv("UPDATE_PLANS") != "" {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("plan differs from %s:\n%s", path, got)
			}
		})
	}
}
