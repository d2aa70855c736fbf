package bind

import "github.com/laminadb/lamina/query/ast"

// columnName returns the name that PostgreSQL gives a result column without alias.
func columnName(e ast.Expr) string {
	if name, _ := figureName(e); name != "" {
		return name
	}
	return "?column?"
}

// figureName returns a name and how good it is: 2 for a column's or function's, 1 for a type's or CASE's,
// which gives way to a better one inside.
func figureName(e ast.Expr) (name string, strength int) {
	switch e := e.(type) {
	case *ast.ColumnRef:
		if len(e.Names) > 0 && !e.Star {
			return e.Names[len(e.Names)-1], 2
		}
	case *ast.Call:
		return e.Name, 2
	case *ast.NullIf:
		return "nullif", 2
	case *ast.Coalesce:
		return "coalesce", 2
	case *ast.MinMax:
		if e.Least {
			return "least", 2
		}
		return "greatest", 2
	case *ast.MergeActionName:
		return "merge_action", 2
	case *ast.Grouping:
		return "grouping", 2
	case *ast.ValueFunc:
		return e.Name, 2
	case *ast.Array:
		return "array", 2
	case *ast.Row:
		return "row", 2
	case *ast.Collate:
		return figureName(e.Arg)
	case *ast.Subscript:
		return figureName(e.Arg)
	case *ast.Cast:
		if name, strength = figureName(e.Arg); strength <= 1 {
			return e.Type.Name, 1
		}
		return name, strength
	case *ast.Case:
		if e.Else != nil {
			name, strength = figureName(e.Else)
		}
		if strength <= 1 {
			return "case", 1
		}
		return name, strength
	case *ast.Subquery:
		return subqueryName(e)
	}
	return "", 0
}

func subqueryName(e *ast.Subquery) (string, int) {
	switch e.Kind {
	case ast.ExistsSubquery:
		return "exists", 2
	case ast.ArraySubquery:
		return "array", 2
	case ast.ScalarSubquery:
		return firstName(e.Query), 2
	}
	return "", 0
}

// firstName returns the name of a query's first column.
func firstName(q *ast.Query) string {
	switch b := q.Body.(type) {
	case *ast.Select:
		if len(b.Targets) == 0 {
			return ""
		}
		if b.Targets[0].Alias != "" {
			return b.Targets[0].Alias
		}
		return columnName(b.Targets[0].Expr)
	case *ast.Values:
		return "column1"
	case *ast.SetOp:
		return firstName(b.L)
	}
	return ""
}
