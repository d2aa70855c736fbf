package bind

import "github.com/laminadb/lamina/query/ast"

// pg_partition_ancestors yields the tables that a partition is part of: none, since no table is a partition. psql asks for
// them when it describes what references a table.
const ancestors = "pg_partition_ancestors"

func isAncestors(c *ast.Call) bool {
	return c.Name == ancestors && (c.Schema == "" || c.Schema == pgCatalog) && len(c.Args) == 1 && c.Over == nil && c.Filter == nil
}

// withoutAncestors replaces SELECT pg_partition_ancestors(relation) by a SELECT without rows.
func withoutAncestors(sel *ast.Select) *ast.Select {
	if len(sel.Targets) != 1 || len(sel.From) > 0 || sel.Where != nil || len(sel.GroupBy) > 0 || sel.Having != nil || sel.Distinct {
		return sel
	}
	c, ok := sel.Targets[0].Expr.(*ast.Call)
	if !ok || !isAncestors(c) {
		return sel
	}
	t := sel.Targets[0]
	t.Expr = castTo(c.At, c.Args[0], "regclass")
	if t.Alias == "" {
		t.Alias = c.Name
	}
	return &ast.Select{Targets: []ast.Target{t}, Where: &ast.Literal{Kind: ast.BoolLiteral, Text: "false"}}
}

// noAncestors replaces the function in FROM by a query without rows.
func noAncestors(f *ast.FuncRef, c *ast.Call) *ast.SubqueryRef {
	null := &ast.Literal{At: f.At, Kind: ast.NullLiteral}
	sel := &ast.Select{
		Targets: []ast.Target{{Expr: castTo(f.At, null, "regclass"), Alias: "relid"}},
		Where:   &ast.Literal{Kind: ast.BoolLiteral, Text: "false"},
	}
	if f.Ordinality {
		sel.Targets = append(sel.Targets, ast.Target{Expr: castTo(f.At, null, "int8"), Alias: "ordinality"})
	}
	alias := f.Alias
	if alias == nil {
		alias = &ast.Alias{Name: c.Name}
	}
	return &ast.SubqueryRef{At: f.At, Query: &ast.Query{Body: sel}, Alias: alias}
}

func castTo(at ast.At, arg ast.Expr, name string) *ast.Cast {
	return &ast.Cast{At: at, Arg: arg, Type: ast.TypeName{At: at, Schema: pgCatalog, Name: name}}
}
