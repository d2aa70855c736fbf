package workload

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/laminadb/lamina/internal/cli/versus"
)

// The questions are those of H2O.ai's db-benchmark: ten of grouping one table, and five of joining it with a small, a medium and a
// big one. Rows are drawn here, with the distributions of its generators. Results of many rows are compared by their sums and
// by the first of their rows.

// h2oGroups is K of the definition: the number of values of the columns with few.
const h2oGroups = 100

// GroupBy returns the grouping questions over n rows.
func GroupBy(n int, seed uint64) (*versus.Workload, error) {
	if n < 1000 || n > 1e9 {
		return nil, errors.New("rows of the grouping questions: 1000 to 1e9")
	}
	r := rand.New(rand.NewPCG(seed, 4))
	many := n / h2oGroups
	t := versus.Table{
		Name: "x", Rows: int64(n),
		Columns: []versus.Column{
			column("id1", "varchar"), column("id2", "varchar"), column("id3", "varchar"), column("id4", "integer"), column("id5", "integer"),
			column("id6", "integer"), column("v1", "integer"), column("v2", "integer"), column("v3", "double precision"),
		},
		Write: rowsOf(n, func(l *lines, _ int) {
			l.add(fmt.Sprintf("id%03d", 1+r.IntN(h2oGroups)), fmt.Sprintf("id%03d", 1+r.IntN(h2oGroups)), fmt.Sprintf("id%010d", 1+r.IntN(many)),
				1+r.IntN(h2oGroups), 1+r.IntN(h2oGroups), 1+r.IntN(many), 1+r.IntN(5), 1+r.IntN(15), 100*r.Float64())
		}),
	}
	return &versus.Workload{
		Name: "h2o-groupby", Title: fmt.Sprintf("H2O.ai's grouping questions over %d rows", n), Tables: []versus.Table{t}, Queries: groupByQueries,
	}, nil
}

// digest compares a result by its first rows in the order of its key columns, and by sums.
func digest(keys, sums string) string {
	var none, total []string
	for range strings.Split(keys, ", ") {
		none = append(none, "NULL")
	}
	for s := range strings.SplitSeq(sums, ", ") {
		total = append(total, "sum("+s+")")
	}
	return "SELECT * FROM (SELECT " + keys + ", " + sums + " FROM %s AS a ORDER BY " + keys + ", " + sums + " LIMIT 1000) AS f " +
		"UNION ALL SELECT " + strings.Join(none, ", ") + ", " + strings.Join(total, ", ") + " FROM %s AS b"
}

var groupByQueries = []versus.Query{
	{Name: "G1", Text: "SELECT id1, sum(v1) AS v1 FROM x GROUP BY id1"},
	{Name: "G2", Text: "SELECT id1, id2, sum(v1) AS v1 FROM x GROUP BY id1, id2"},
	{Name: "G3", Text: "SELECT id3, sum(v1) AS v1, avg(v3) AS v3 FROM x GROUP BY id3", Digest: digest("id3", "v1, v3")},
	{Name: "G4", Text: "SELECT id4, avg(v1) AS v1, avg(v2) AS v2, avg(v3) AS v3 FROM x GROUP BY id4"},
	{Name: "G5", Text: "SELECT id6, sum(v1) AS v1, sum(v2) AS v2, sum(v3) AS v3 FROM x GROUP BY id6", Digest: digest("id6", "v1, v2, v3")},
	{
		Name: "G6", Text: "SELECT id4, id5, percentile_cont(0.5) WITHIN GROUP (ORDER BY v3) AS median_v3, stddev(v3) AS sd_v3 FROM x GROUP BY id4, id5",
		Peer: "SELECT id4, id5, median(v3) AS median_v3, stddev(v3) AS sd_v3 FROM x GROUP BY id4, id5",
	},
	{Name: "G7", Text: "SELECT id3, max(v1) - min(v2) AS range_v1_v2 FROM x GROUP BY id3", Digest: digest("id3", "range_v1_v2")},
	{
		Name: "G8", Text: "SELECT id6, v3 AS largest2_v3 FROM (SELECT id6, v3, row_number() OVER (PARTITION BY id6 ORDER BY v3 DESC) AS order_v3 " +
			"FROM x WHERE v3 IS NOT NULL) AS s WHERE order_v3 <= 2", Digest: digest("id6", "largest2_v3"),
	},
	{ // in place of NULL, DuckDB has NaN for groups that do not vary
		Name: "G9", Text: "SELECT id2, id4, power(corr(v1, v2), 2) AS r2 FROM x GROUP BY id2, id4",
		Peer: "SELECT id2, id4, power(nullif(corr(v1, v2), 'nan'::double), 2) AS r2 FROM x GROUP BY id2, id4",
	},
	{
		Name: "G10", Text: "SELECT id1, id2, id3, id4, id5, id6, sum(v3) AS v3, count(*) AS n FROM x GROUP BY id1, id2, id3, id4, id5, id6",
		Digest: digest("id1, id2, id3, id4, id5, id6", "v3, n"),
	},
}

// Join returns the joining questions: n rows join as many, a thousandth and a millionth of them, but at least 100 and 10.
func Join(n int, seed uint64) (*versus.Workload, error) {
	if n < 1000 || n > 1e9 {
		return nil, errors.New("rows of the joining questions: 1000 to 1e9")
	}
	j := &joins{r: rand.New(rand.NewPCG(seed, 5)), n: n, small: max(n/1_000_000, 10), medium: max(n/1000, 100)}
	keys := []versus.Column{column("id1", "integer"), column("id2", "integer"), column("id3", "integer")}
	factors := []versus.Column{column("id4", "varchar"), column("id5", "varchar"), column("id6", "varchar")}
	table := func(name string, rows, levels int, value string) versus.Table {
		t := versus.Table{Name: name, Rows: int64(rows)}
		t.Columns = append(append(append(t.Columns, keys[:levels]...), factors[:levels]...), column(value, "double precision"))
		t.Write = rowsOf(rows, func(l *lines, i int) { j.row(l, i, levels, name == "x") })
		return t
	}
	return &versus.Workload{
		Name: "h2o-join", Title: fmt.Sprintf("H2O.ai's joining questions over %d rows", n), Queries: joinQueries,
		Tables: []versus.Table{table("x", n, 3, "v1"), table("small", j.small, 1, "v2"), table("medium", j.medium, 2, "v2"), table("big", n, 3, "v2")},
	}, nil
}

// joins draws rows: nine tenths of the keys of each table are those of x, too.
type joins struct {
	r                *rand.Rand
	n, small, medium int
}

// key draws one of count keys, or, of another table than x, returns the i-th: a tenth is moved beyond what x has.
func (j *joins) key(i, count int, fact, own bool) int {
	if fact || !own {
		return 1 + j.r.IntN(count)
	}
	if i%10 == 9 {
		return count + i + 1
	}
	return i + 1
}

func (j *joins) row(l *lines, i, levels int, fact bool) {
	var row []any
	counts := []int{j.small, j.medium, j.n}
	for k := range levels {
		row = append(row, j.key(i, counts[k], fact, k == levels-1))
	}
	for k := range levels {
		row = append(row, fmt.Sprintf("id%d", row[k]))
	}
	l.add(append(row, 100*j.r.Float64())...)
}

// sumOf compares the rows of a join by sums of their numbers and of the lengths of their strings.
func sumOf(numbers, texts string) string {
	parts := []string{"count(*)"}
	for s := range strings.SplitSeq(numbers, ", ") {
		parts = append(parts, "count("+s+")", "sum("+s+")")
	}
	for s := range strings.SplitSeq(texts, ", ") {
		parts = append(parts, "sum(length("+s+"))", "min("+s+")", "max("+s+")")
	}
	return "SELECT " + strings.Join(parts, ", ") + " FROM %s AS a"
}

const joinMedium = "SELECT x.*, medium.id1 AS medium_id1, medium.id4 AS medium_id4, medium.id5 AS medium_id5, v2 FROM x "

var joinQueries = []versus.Query{
	{
		Name: "J1", Text: "SELECT x.*, small.id4 AS small_id4, v2 FROM x JOIN small ON x.id1 = small.id1",
		Digest: sumOf("id1, id2, id3, v1, v2", "id4, id5, id6, small_id4"),
	},
	{Name: "J2", Text: joinMedium + "JOIN medium ON x.id2 = medium.id2", Digest: sumOf("id1, id2, v1, v2, medium_id1", "id4, medium_id4, medium_id5")},
	{Name: "J3", Text: joinMedium + "LEFT JOIN medium ON x.id2 = medium.id2", Digest: sumOf("id1, id2, v1, v2, medium_id1", "id4, medium_id4, medium_id5")},
	{Name: "J4", Text: joinMedium + "JOIN medium ON x.id5 = medium.id5", Digest: sumOf("id1, id2, v1, v2, medium_id1", "id4, medium_id4, medium_id5")},
	{
		Name: "J5", Text: "SELECT x.*, big.id1 AS big_id1, big.id2 AS big_id2, big.id4 AS big_id4, big.id5 AS big_id5, big.id6 AS big_id6, v2 " +
			"FROM x JOIN big ON x.id3 = big.id3", Digest: sumOf("id1, id3, v1, v2, big_id1, big_id2", "id6, big_id4, big_id5, big_id6"),
	},
}
