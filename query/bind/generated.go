package bind

import (
	"slices"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/sqlparse"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// GeneratedExpr binds the expression of a generated column over the columns of its table: column i has the ID i.
func GeneratedExpr(def *table.TableDef, col int) (expr.Expr, error) {
	e, err := sqlparse.ParseExpr(def.Columns[col].Generated)
	if err != nil {
		return nil, err
	}
	return generatedValue(def, col, e)
}

func generatedValue(def *table.TableDef, col int, e ast.Expr) (expr.Expr, error) {
	c := &def.Columns[col]
	b, err := tableExprs(def, clauseGenerated).bind(e)
	if err != nil {
		return nil, err
	}
	var bad error
	expr.Walk(b, func(e expr.Expr) bool {
		if ref, ok := e.(*expr.Column); ok && ref.ID < len(def.Columns) && (ref.ID == col || def.Columns[ref.ID].Generated != "") && bad == nil {
			bad = sqlerr.Newf(sqlerr.InvalidObjectDefinition, "cannot use generated column \"%s\" in column generation expression", ref.Name).
				WithDetail("A generated column cannot reference another generated column.").At(ref.Pos())
		}
		return true
	})
	if bad != nil {
		return nil, bad
	}
	if from := b.Type().Kind; !expr.CanCoerce(from, c.Type.Kind, expr.Assignment) {
		return nil, sqlerr.Newf(sqlerr.DatatypeMismatch,
			"column \"%s\" is of type %s but default expression is of type %s", c.Name, c.Type.Kind, from).
			WithHint("You will need to rewrite or cast the expression.")
	}
	b, err = expr.NewAssignment(b, c.Type, c.Name)
	if err == nil && expr.VolatilityOf(b) != expr.Immutable {
		return nil, sqlerr.New(sqlerr.InvalidObjectDefinition, "generation expression is not immutable")
	}
	return b, err
}

// pendingGenerated is a generated column whose expression is bound once all columns are known.
type pendingGenerated struct {
	column string
	expr   ast.Expr
}

func (t *tableBuilder) finishGenerated() error {
	for _, g := range t.generated {
		if _, err := generatedValue(t.def, t.def.ColumnIndex(g.column), g.expr); err != nil {
			return err
		}
	}
	return nil
}

// checkVirtualKey refuses a key with a virtual column.
func checkVirtualKey(def *table.TableDef, k *table.Key) error {
	if !slices.ContainsFunc(k.Columns, func(c int) bool { return def.Columns[c].Virtual }) {
		return nil
	}
	if k.Primary {
		return sqlerr.New(sqlerr.FeatureNotSupported, "primary keys on virtual generated columns are not supported")
	}
	return sqlerr.New(sqlerr.FeatureNotSupported, "unique constraints on virtual generated columns are not supported")
}

// generatedBy returns the generated columns whose expressions name a column.
func generatedBy(def *table.TableDef, column string) (cols []int, err error) {
	for i := range def.Columns {
		if def.Columns[i].Generated == "" {
			continue
		}
		uses, err := textUses(def.Columns[i].Generated, column)
		if err != nil {
			return nil, err
		}
		if uses {
			cols = append(cols, i)
		}
	}
	return cols, nil
}

// dropExpression is ALTER COLUMN … DROP EXPRESSION: the values stay.
func (a *alteration) dropExpression() error {
	i, err := a.column(a.c.Name)
	if err != nil {
		return err
	}
	c := &a.def.Columns[i]
	switch {
	case c.Generated == "" && a.c.IfExists:
		return a.skip(sqlerr.SuccessfulCompletion, "column \"%s\" of relation \"%s\" is not a generated column", c.Name, a.def.Name)
	case c.Generated == "":
		return sqlerr.Newf(sqlerr.ObjectNotInPrerequisiteState, "column \"%s\" of relation \"%s\" is not a generated column", c.Name, a.def.Name)
	case c.Virtual:
		return sqlerr.New(sqlerr.FeatureNotSupported, "ALTER TABLE / DROP EXPRESSION is not supported for virtual generated columns").
			WithDetail("Column \"%s\" of relation \"%s\" is a virtual generated column.", c.Name, a.def.Name)
	}
	c.Generated = ""
	return nil
}

// errGenerated says that a generated column was given a value.
func errGenerated(c *table.Column, update bool) error {
	detail := "Column \"" + c.Name + "\" is a generated column."
	if update {
		return sqlerr.Newf(sqlerr.GeneratedAlways, "column \"%s\" can only be updated to DEFAULT", c.Name).WithDetail("%s", detail)
	}
	return sqlerr.Newf(sqlerr.GeneratedAlways, "cannot insert a non-DEFAULT value into column \"%s\"", c.Name).WithDetail("%s", detail)
}
