// Package workload has the tables and queries of benchmarks, with generators of their rows: each is a versus.Workload.
package workload
