package bind

import (
	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/sqlparse"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// TableExpr binds an expression text over the columns of a table: column i has the ID i.
func TableExpr(def *table.TableDef, text string) (expr.Expr, error) {
	e, err := sqlparse.ParseExpr(text)
	if err != nil {
		return nil, err
	}
	return tableExprs(def, clauseCheck).bind(e)
}

// CheckExpr binds the condition of a CHECK constraint; see TableExpr.
func CheckExpr(def *table.TableDef, text string) (expr.Expr, error) {
	e, err := TableExpr(def, text)
	if err != nil {
		return nil, err
	}
	return expr.RequireBool(e, "CHECK")
}

// DefaultExpr binds the default of a column, converted to the column's type: NULL if it has none.
func DefaultExpr(def *table.TableDef, col int) (expr.Expr, error) {
	c := &def.Columns[col]
	if c.Default == "" {
		return expr.NewConst(types.NullOf(c.Type.Kind), c.Type, 0), nil
	}
	e, err := sqlparse.ParseExpr(c.Default)
	if err != nil {
		return nil, err
	}
	b, err := defaultValue(c, e)
	if err != nil {
		return nil, err
	}
	return b, nil
}

// newDefault checks a default expression and returns the text that the catalog keeps of it.
func (b *Binder) newDefault(c *table.Column, e ast.Expr, text string) (string, error) {
	stored, err := b.storedText(text)
	if err != nil {
		return "", err
	}
	if stored != text {
		if e, err = sqlparse.ParseExpr(stored); err != nil {
			return "", err
		}
	}
	_, err = defaultValue(c, e)
	return stored, err
}

func defaultValue(c *table.Column, e ast.Expr) (expr.Expr, error) {
	x := tableExprs(nil, clauseDefault)
	b, err := x.bind(e)
	if err != nil {
		return nil, err
	}
	if from := b.Type().Kind; !expr.CanCoerce(from, c.Type.Kind, expr.Assignment) {
		return nil, sqlerr.Newf(sqlerr.DatatypeMismatch,
			"column \"%s\" is of type %s but default expression is of type %s", c.Name, c.Type.Kind, from).
			WithHint("You will need to rewrite or cast the expression.")
	}
	return expr.NewAssignment(b, c.Type, c.Name)
}

// tableExprs returns a binder of expressions over a table's columns alone; no table: no columns.
func tableExprs(def *table.TableDef, clause string) *exprs {
	g := newBinding(&Binder{schema: noSchema{}}, nil)
	s := g.newScope(nil, nil)
	if def != nil {
		it := &item{name: def.Name, kind: itemTable, nameVisible: true, colsVisible: true}
		for i := range def.Columns {
			c := &expr.Column{Node: expr.Node{Typ: def.Columns[i].Type}, ID: i, Name: def.Columns[i].Name}
			g.owner[i] = s
			it.cols = append(it.cols, itemCol{c.Name, c})
		}
		s.items = []*item{it}
	}
	x := s.exprs(clause)
	x.stored = true
	return x
}

// noSchema is an empty catalog, for expressions that need none.
type noSchema struct{ table.Schema }

// Lookup finds nothing.
func (noSchema) Lookup(table.ObjectKind, table.ObjectID, string) table.Object { return nil }

// LookupRelation finds nothing.
func (noSchema) LookupRelation(table.ObjectID, string) table.Object { return nil }
