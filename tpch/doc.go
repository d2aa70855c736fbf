// Package tpch has the data, the queries and the answers of the TPC-H benchmark.
//
// A [Generator] makes the rows of the eight tables at a scale factor, the same to the byte as the
// dbgen program of the benchmark. Rows come in columnar batches, from any position and in any
// number of goroutines: each column is a random stream of its own, whose state before any row can
// be computed. [Generator.Generate] drives that in parallel; [Generator.WriteTBL] writes the text
// files of dbgen.
//
//	g, err := tpch.New(0.1)
//	sink := func(ctx context.Context, b tpch.Batch, first int64) error {
//		for _, column := range b.Columns() { … }
//		return nil
//	}
//	err = g.Generate(ctx, tpch.GenerateOptions{}, sink)
//
// [Query] returns the 22 queries with their validation parameters, [DDL] the tables, and [Compare]
// holds the result of a query against the answer of PostgreSQL on the same rows.
//
// The package depends on nothing else of the module. It does not make refresh sets, and its numbers
// are not TPC-H results in the sense of the TPC's rules.
package tpch
