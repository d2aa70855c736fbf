// Package peers has the systems beside which workloads run: DuckDB in Python, DuckDB behind its Go driver, and SQLite. Those that
// need cgo run in children of the benchmark's program, so that the memory of each can be told.
package peers
