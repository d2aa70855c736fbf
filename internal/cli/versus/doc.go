// Package versus runs the queries of a workload on Lamina and on other systems, on the same rows, with as many threads and as much
// memory. All rows of a result are fetched on every side, answers are compared before times count, and the runs of the systems take
// turns: ratios are those of neighbouring runs.
package versus
