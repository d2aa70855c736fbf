package tpch

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed queries/*.sql
var queryFiles embed.FS

// NumQueries is the number of queries. They are numbered from 1.
const NumQueries = 22

var queries = func() (texts [NumQueries + 1]string) {
	for n := 1; n <= NumQueries; n++ {
		text, err := queryFiles.ReadFile(fmt.Sprintf("queries/q%02d.sql", n))
		if err != nil {
			panic(err) // the files are part of the program
		}
		texts[n] = strings.TrimSpace(string(text))
	}
	return texts
}()

// Query returns the text of a query in PostgreSQL's dialect, without a semicolon and with the
// validation parameters of the specification, or "" if n is not in [1, NumQueries]. Query 15 uses a
// common table expression in place of a view; the fraction of query 11 is that of scale factor 1 at
// every scale.
func Query(n int) string {
	if n < 1 || n > NumQueries {
		return ""
	}
	return queries[n]
}

// Spine returns the queries that an engine should run first: together they need scans with
// arithmetic, aggregation, joins, outer and semi joins, grouping with HAVING, and Top-N.
func Spine() []int { return []int{1, 3, 4, 5, 6, 10, 12, 13, 14, 18} }

// orderKeys has the positions of the ORDER BY columns of each query in its result, nil where a
// query has one row. All queries order by result columns.
var orderKeys = [NumQueries + 1][]int{
	1: {0, 1}, 2: {0, 2, 1, 3}, 3: {1, 2}, 4: {0}, 5: {1}, 7: {0, 1, 2}, 8: {0}, 9: {0, 1}, 10: {2},
	11: {1}, 12: {0}, 13: {1, 0}, 15: {0}, 16: {3, 0, 1, 2}, 18: {4, 3}, 20: {0}, 21: {1, 0}, 22: {0},
}

// OrderKeys returns the positions of the ORDER BY columns of a query in its result: nil for the
// queries that have one row and no ORDER BY. The caller must not change it.
func OrderKeys(n int) []int {
	if n < 1 || n > NumQueries {
		return nil
	}
	return orderKeys[n]
}
