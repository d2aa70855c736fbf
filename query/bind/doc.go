// Package bind gives syntax trees meaning: it looks names up in the catalog and in FROM, resolves types,
// operators and functions, and makes logical plans (package plan) with typed expressions (package expr).
//
//	ast.Statement ── Binder ──▶ Statement: logical plan, output columns, parameters, data change
//
// Errors are PostgreSQL's, with SQLSTATE, position and hint. A Binder is made for one transaction's schema
// and used by one goroutine; the statements that it returns are immutable.
//
// How a query becomes a plan:
//
//	FROM ▶ WHERE ▶ GROUP BY ▶ HAVING ▶ select list ▶ DISTINCT ▶ ORDER BY ▶ LIMIT
//
// Each column of each FROM item gets its own ID. A subquery is an expr.Subquery or a FROM item with a plan
// of its own; what it uses from the queries around it are columns that its plan does not produce.
package bind
