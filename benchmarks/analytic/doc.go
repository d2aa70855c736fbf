// Package analytic runs the TPC-H queries on Lamina and on DuckDB, in one process, on the same
// rows, with the same number of threads and the same memory. All rows of a result are fetched on
// both sides, answers are compared before times count, and the runs of the two systems take turns.
package analytic
