package bind

import (
	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// CopyWhere binds the condition of COPY FROM: column i of the table has the ID i.
func (b *Binder) CopyWhere(def *table.TableDef, schema string, e ast.Expr) (expr.Expr, error) {
	g := newBinding(b, nil)
	s := g.newScope(nil, nil)
	it := &item{name: def.Name, schema: schema, kind: itemTable, nameVisible: true, colsVisible: true}
	for i := range def.Columns {
		c := &expr.Column{Node: expr.Node{Typ: def.Columns[i].Type}, ID: i, Name: def.Columns[i].Name}
		g.owner[i] = s
		it.cols = append(it.cols, itemCol{c.Name, c})
	}
	s.items = []*item{it}
	where, err := s.exprs(clauseCopy).condition(e, "WHERE")
	if err != nil {
		return nil, err
	}
	var generated error
	expr.Walk(where, func(e expr.Expr) bool {
		if c, ok := e.(*expr.Column); ok && def.Columns[c.ID].Generated != "" && generated == nil {
			generated = sqlerr.New(sqlerr.InvalidColumnReference, "generated columns are not supported in COPY FROM WHERE conditions").
				WithDetail("Column \"%s\" is a generated column.", c.Name)
		}
		return true
	})
	return where, generated
}
