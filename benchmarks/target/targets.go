package target

// Targets are what the figures ought to be.
var Targets = []Target{
	{Name: "insert-1-bare", Text: "durable INSERT, 1 client, beside a bare append + fdatasync loop", Bound: 0.85, Unit: "×"},
	{Name: "insert-1-sqlite", Text: "durable INSERT, 1 client, beside SQLite", Bound: 1, Unit: "×"},
	{Name: "insert-64", Text: "durable INSERT, 64 clients, beside one client", Bound: 12, Unit: "×"},
	{Name: "get", Text: "reads by key, package table, one snapshot held", Bound: 1e6, Unit: "a second"},
	{Name: "get-bbolt", Text: "reads by key, a snapshot each, beside bbolt", Bound: 2, Unit: "×"},
	{Name: "get-beside", Text: "reads by key beside a saturating durable writer, a snapshot each", Bound: 0.7e6, Unit: "a second"},
	{Name: "get-sqlite", Text: "reads by key, prepared SELECT, beside SQLite", Bound: 4, Unit: "×"},
	{Name: "update-sqlite", Text: "durable UPDATE of 100 rows by key beside SQLite", Bound: 4, Unit: "×"},
	{Name: "delta", Text: "scan of 1 M delta rows, for each column", Bound: 1, AtMost: true, Unit: "ms"},
	{Name: "delta-deleted", Text: "the same with 1 % deleted", Bound: 2, AtMost: true, Unit: "ms"},
	{Name: "segment-scan", Text: "scan of cached segments, 4-byte integers, values a second of one core", Bound: 1e9, Unit: "a second"},
	{Name: "segment-deleted", Text: "sums over segments with 1 % of the rows deleted, beside none", Bound: 1.05, AtMost: true, Unit: "×"},
	{Name: "segment-delta", Text: "the same with 5 % of the rows in the delta, beside none", Bound: 1.25, AtMost: true, Unit: "×"},
	{Name: "bitmap-pages", Text: "pages that equality on a clustered column with bitmaps reads", Bound: 2, AtMost: true, Unit: "%"},
	{Name: "bitmap", Text: "all rows looked at, beside equality by bitmaps, not clustered", Bound: 5, Unit: "×"},
	{Name: "bitmap-uncached", Text: "the same with nothing cached", Bound: 5, Unit: "×"},
	{Name: "load-columns", Text: "lineitem through the Appender, columns, beside DuckDB's Appender", Bound: 1, Unit: "×"},
	{Name: "load-rows", Text: "lineitem through the Appender, row by row, beside DuckDB's Appender", Bound: 1, Unit: "×"},
	{Name: "recovery", Text: "recovery after kill -9 without a checkpoint", Bound: 10, AtMost: true, Unit: "s/GiB"},
	{Name: "recovery-small", Text: "the same with transactions of one row only", Bound: 10, AtMost: true, Unit: "s/GiB"},
	{Name: "memory", Text: "memory of the process under load, beside 1.1 × MemoryBytes + 64 MiB", Bound: 1, AtMost: true, Unit: "×"},
	{Name: "memory-refused", Text: "writers refused with 53200 beyond the memory", Bound: 1, Unit: "statements"},
	{Name: "mixed", Text: "errors of 100 goroutines of mixed transactions that cannot be retried", Bound: 0, AtMost: true, Unit: "errors"},
	{Name: "tpch", Text: "TPC-H beside DuckDB, geometric mean of the times", Bound: 1, AtMost: true, Unit: "×"},
}
