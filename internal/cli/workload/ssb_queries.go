package workload

import "github.com/laminadb/lamina/internal/cli/versus"

// What the queries of a flight have in common.
const (
	ssbFlight1 = "SELECT sum(lo_extendedprice * lo_discount) AS revenue FROM lineorder, dates WHERE lo_orderdate = d_datekey AND "
	ssbFlight2 = "SELECT sum(lo_revenue) AS revenue, d_year, p_brand1 FROM lineorder, dates, part, supplier " +
		"WHERE lo_orderdate = d_datekey AND lo_partkey = p_partkey AND lo_suppkey = s_suppkey AND "
	ssbGroup2  = " GROUP BY d_year, p_brand1 ORDER BY d_year, p_brand1"
	ssbFlight3 = ", d_year, sum(lo_revenue) AS revenue FROM customer, lineorder, supplier, dates " +
		"WHERE lo_custkey = c_custkey AND lo_suppkey = s_suppkey AND lo_orderdate = d_datekey AND "
	ssbGroup3  = ", d_year ORDER BY d_year ASC, revenue DESC"
	ssbCities  = "c_city IN ('UNITED KI1', 'UNITED KI5') AND s_city IN ('UNITED KI1', 'UNITED KI5') AND "
	ssbFlight4 = ", sum(lo_revenue - lo_supplycost) AS profit FROM dates, customer, supplier, part, lineorder " +
		"WHERE lo_custkey = c_custkey AND lo_suppkey = s_suppkey AND lo_partkey = p_partkey AND lo_orderdate = d_datekey AND "
)

var ssbQueries = []versus.Query{
	{Name: "Q1.1", Text: ssbFlight1 + "d_year = 1993 AND lo_discount BETWEEN 1 AND 3 AND lo_quantity < 25"},
	{Name: "Q1.2", Text: ssbFlight1 + "d_yearmonthnum = 199401 AND lo_discount BETWEEN 4 AND 6 AND lo_quantity BETWEEN 26 AND 35"},
	{Name: "Q1.3", Text: ssbFlight1 + "d_weeknuminyear = 6 AND d_year = 1994 AND lo_discount BETWEEN 5 AND 7 AND lo_quantity BETWEEN 26 AND 35"},
	{Name: "Q2.1", Keys: []int{1, 2}, Text: ssbFlight2 + "p_category = 'MFGR#12' AND s_region = 'AMERICA'" + ssbGroup2},
	{Name: "Q2.2", Keys: []int{1, 2}, Text: ssbFlight2 + "p_brand1 BETWEEN 'MFGR#2221' AND 'MFGR#2228' AND s_region = 'ASIA'" + ssbGroup2},
	{Name: "Q2.3", Keys: []int{1, 2}, Text: ssbFlight2 + "p_brand1 = 'MFGR#2221' AND s_region = 'EUROPE'" + ssbGroup2},
	{
		Name: "Q3.1", Keys: []int{2, 3}, Text: "SELECT c_nation, s_nation" + ssbFlight3 +
			"c_region = 'ASIA' AND s_region = 'ASIA' AND d_year >= 1992 AND d_year <= 1997 GROUP BY c_nation, s_nation" + ssbGroup3,
	},
	{
		Name: "Q3.2", Keys: []int{2, 3}, Text: "SELECT c_city, s_city" + ssbFlight3 +
			"c_nation = 'UNITED STATES' AND s_nation = 'UNITED STATES' AND d_year >= 1992 AND d_year <= 1997 GROUP BY c_city, s_city" + ssbGroup3,
	},
	{
		Name: "Q3.3", Keys: []int{2, 3},
		Text: "SELECT c_city, s_city" + ssbFlight3 + ssbCities + "d_year >= 1992 AND d_year <= 1997 GROUP BY c_city, s_city" + ssbGroup3,
	},
	{
		Name: "Q3.4", Keys: []int{2, 3},
		Text: "SELECT c_city, s_city" + ssbFlight3 + ssbCities + "d_yearmonth = 'Dec1997' GROUP BY c_city, s_city" + ssbGroup3,
	},
	{
		Name: "Q4.1", Keys: []int{0, 1}, Text: "SELECT d_year, c_nation" + ssbFlight4 +
			"c_region = 'AMERICA' AND s_region = 'AMERICA' AND (p_mfgr = 'MFGR#1' OR p_mfgr = 'MFGR#2') GROUP BY d_year, c_nation ORDER BY d_year, c_nation",
	},
	{
		Name: "Q4.2", Keys: []int{0, 1, 2}, Text: "SELECT d_year, s_nation, p_category" + ssbFlight4 +
			"c_region = 'AMERICA' AND s_region = 'AMERICA' AND (d_year = 1997 OR d_year = 1998) AND (p_mfgr = 'MFGR#1' OR p_mfgr = 'MFGR#2') " +
			"GROUP BY d_year, s_nation, p_category ORDER BY d_year, s_nation, p_category",
	},
	{
		Name: "Q4.3", Keys: []int{0, 1, 2}, Text: "SELECT d_year, s_city, p_brand1" + ssbFlight4 +
			"c_region = 'AMERICA' AND s_nation = 'UNITED STATES' AND (d_year = 1997 OR d_year = 1998) AND p_category = 'MFGR#14' " +
			"GROUP BY d_year, s_city, p_brand1 ORDER BY d_year, s_city, p_brand1",
	},
}
