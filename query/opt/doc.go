// Package opt turns bound statements into physical plans.
//
//	bind.Statement ─ unnest ─▶ rules to fixpoint ─▶ join order ─▶ prune columns ─▶ share equal parts ─▶ plan.Query
//
// Unnesting replaces subqueries in expressions by joins (or by subplans that run once). The rules are
// values in one table (Rules), each with a paragraph that says what it does and why it is allowed; any can
// be switched off by name. Join ordering enumerates trees over the query's hypergraph and picks the
// cheapest by estimates. Estimates choose between plans of equal meaning; they never make one wrong.
//
// What holds for every rewrite: the result is the same set of rows, and an expression that can fail or is
// volatile is never evaluated for rows for which the query as written would not evaluate it: it does not
// move below an operator that removes or repeats rows. Conjuncts that cannot fail may go first.
//
// Plans are immutable: rewrites copy what they change. Optimize may be called from any goroutine.
package opt
