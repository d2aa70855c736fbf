// Package expr is the language of values: one catalogue of casts, operators, functions and
// aggregates with PostgreSQL's OIDs, bound expression trees, a typed linear program that they compile
// to, and its two evaluators: a row interpreter and a vector evaluator.
//
// Growing the dialect means adding entries to the catalogue; neither evaluator knows a function by
// name. An entry has a scalar implementation and, where speed asks for it, vector kernels from package
// kernel; a missing kernel is an adapter over the scalar one.
package expr
