package bind

import (
	"slices"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// insert binds INSERT. The plan yields one column for each table column, in order.
func (g *binding) insert(ins *ast.Insert, ctes *cteScope) (*Statement, error) {
	ctes, err := g.with(ins.With, nil, ctes)
	if err != nil {
		return nil, err
	}
	def, err := g.changed(ins.Table.RelName)
	if err != nil {
		return nil, err
	}
	g.addTable(def)
	cols, err := insertColumns(def, ins.Columns)
	if err != nil {
		return nil, err
	}
	t := &insertTarget{g: g, def: def, cols: cols, names: ins.Columns, overriding: ins.Overriding}
	rel, err := t.source(ins, g.newScope(nil, ctes))
	if err != nil {
		return nil, err
	}
	m := &Modify{Kind: plan.Insert, Table: def, Values: t.out}
	if ins.OnConflict != nil {
		if m.OnConflict, err = g.conflict(def, ins.OnConflict); err != nil {
			return nil, err
		}
		if m.Upsert, err = g.upsert(m, ins, g.newScope(nil, ctes)); err != nil {
			return nil, err
		}
	}
	s := g.newScope(nil, ctes)
	if m.Upsert != nil {
		s.covered = []*item{{name: excludedName}}
	}
	if err := g.returning(m, ins.Returning, s, alias(ins.Table), nil); err != nil {
		return nil, err
	}
	return &Statement{Root: rel, Out: t.out, Modify: m}, nil
}

func alias(t *ast.TableRef) string {
	if t.Alias != nil {
		return t.Alias.Name
	}
	return t.Name
}

// insertColumns returns the table columns that INSERT names, all if it names none.
func insertColumns(def *table.TableDef, names []ast.InsertColumn) ([]int, error) {
	if names == nil {
		cols := make([]int, len(def.Columns))
		for i := range cols {
			cols[i] = i
		}
		return cols, nil
	}
	var cols []int
	for _, n := range names {
		i := def.ColumnIndex(n.Name)
		if i < 0 {
			return nil, noTargetColumn(def, n)
		}
		if slices.Contains(cols, i) {
			return nil, sqlerr.Newf(sqlerr.DuplicateColumn, "column \"%s\" specified more than once", n.Name).At(n.Pos())
		}
		cols = append(cols, i)
	}
	return cols, nil
}

func noTargetColumn(def *table.TableDef, n ast.InsertColumn) *sqlerr.Error {
	return sqlerr.Newf(sqlerr.UndefinedColumn, "column \"%s\" of relation \"%s\" does not exist", n.Name, def.Name).At(n.Pos())
}

// insertTarget maps the columns of a source to those of the table.
type insertTarget struct {
	g     *binding
	def   *table.TableDef
	cols  []int // table columns that the source's columns go to
	names []ast.InsertColumn
	out   []plan.Col // one for each table column
	// defaults are the bound default expressions by table column.
	defaults map[int]expr.Expr
	// overriding is what INSERT says of values for identity columns.
	overriding string
}

// given checks that a column takes a value, and reports whether it takes its default all the same.
func (t *insertTarget) given(col int) (ignored bool, err error) {
	c := &t.def.Columns[col]
	if c.Generated != "" {
		return false, errGenerated(c, false)
	}
	if c.Identity == table.NoIdentity {
		return false, nil
	}
	if t.overriding == "USER VALUE" {
		return true, nil
	}
	if c.Identity == table.IdentityAlways && t.overriding == "" {
		return false, sqlerr.Newf(sqlerr.GeneratedAlways, "cannot insert a non-DEFAULT value into column \"%s\"", c.Name).
			WithDetail("Column \"%s\" is an identity column defined as GENERATED ALWAYS.", c.Name).
			WithHint("Use OVERRIDING SYSTEM VALUE to override.")
	}
	return false, nil
}

func (t *insertTarget) source(ins *ast.Insert, s *scope) (plan.Rel, error) {
	for i := range t.def.Columns {
		c := &t.def.Columns[i]
		t.out = append(t.out, t.g.newCol(c.Name, c.Type))
	}
	if ins.Query == nil {
		row, err := t.row(nil, nil)
		return &plan.RelValues{Out: t.out, Tuples: [][]expr.Expr{row}}, err
	}
	if v, ok := ins.Query.Body.(*ast.Values); ok && bare(ins.Query) {
		return t.values(v, s)
	}
	q, err := t.g.query(ins.Query, nil, s.ctes, keepUnknown)
	if err != nil {
		return nil, err
	}
	return t.selected(ins.Query, q)
}

// checkCount compares the number of values with that of columns; fewer values are allowed if INSERT
// names no columns.
func (t *insertTarget) checkCount(n int, pos func(int) int) error {
	if n > len(t.cols) {
		return sqlerr.New(sqlerr.SyntaxError, "INSERT has more expressions than target columns").At(pos(len(t.cols)))
	}
	if t.names != nil && n < len(t.cols) {
		return sqlerr.New(sqlerr.SyntaxError, "INSERT has more target columns than expressions").At(t.names[n].Pos())
	}
	return nil
}

func (t *insertTarget) values(v *ast.Values, s *scope) (plan.Rel, error) {
	r := &plan.RelValues{Out: t.out, Tuples: make([][]expr.Expr, 0, len(v.Rows))}
	x := s.exprs("VALUES")
	for _, row := range v.Rows {
		if len(row) != len(v.Rows[0]) {
			return nil, sqlerr.New(sqlerr.SyntaxError, "VALUES lists must all be the same length").At(ast.Start(row[0]))
		}
		if err := t.checkCount(len(row), func(i int) int { return ast.Start(row[i]) }); err != nil {
			return nil, err
		}
		tuple, err := t.row(row, x)
		if err != nil {
			return nil, err
		}
		r.Tuples = append(r.Tuples, tuple)
	}
	return r, nil
}

// row makes a complete row of a list of values, which may be shorter than the table.
func (t *insertTarget) row(values []ast.Expr, x *exprs) ([]expr.Expr, error) {
	out := make([]expr.Expr, len(t.def.Columns))
	for i, v := range values {
		col := t.cols[i]
		if _, ok := v.(*ast.Default); ok {
			continue
		}
		ignored, err := t.given(col)
		if err != nil {
			return nil, err
		}
		e, err := x.bind(v)
		if err != nil {
			return nil, err
		}
		if ignored {
			continue
		}
		if out[col], err = t.assign(e, col); err != nil {
			return nil, err
		}
	}
	for i := range out {
		if out[i] != nil {
			continue
		}
		var err error
		if out[i], err = t.defaultOf(i); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (t *insertTarget) assign(e expr.Expr, col int) (expr.Expr, error) {
	c := &t.def.Columns[col]
	return expr.NewAssignment(e, c.Type, c.Name)
}

// defaultOf returns the default expression of a column, NULL if it has none.
func (t *insertTarget) defaultOf(col int) (expr.Expr, error) {
	if e := t.defaults[col]; e != nil {
		return e, nil
	}
	e, err := DefaultExpr(t.def, col)
	if err != nil {
		return nil, err
	}
	t.g.sequential = t.g.sequential || expr.UsesSequence(e)
	if t.defaults == nil {
		t.defaults = map[int]expr.Expr{}
	}
	t.defaults[col] = e
	return e, nil
}

// selected maps the columns of a query.
func (t *insertTarget) selected(q *ast.Query, r query) (plan.Rel, error) {
	positions := targetPositions(q)
	pos := func(i int) int {
		if i < len(positions) {
			return positions[i]
		}
		return firstTarget(q)
	}
	if err := t.checkCount(len(r.out), pos); err != nil {
		return nil, err
	}
	values := sideValues(&r, q)
	p := &plan.RelProject{Input: r.rel, Out: t.out, Exprs: make([]expr.Expr, len(t.out))}
	for i, v := range values {
		ignored, err := t.given(t.cols[i])
		if err != nil {
			return nil, err
		}
		if ignored {
			continue
		}
		if p.Exprs[t.cols[i]], err = t.assign(v, t.cols[i]); err != nil {
			return nil, sqlerr.From(err).At(pos(i))
		}
	}
	for i := range p.Exprs {
		if p.Exprs[i] != nil {
			continue
		}
		var err error
		if p.Exprs[i], err = t.defaultOf(i); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// conflict finds the key that ON CONFLICT names.
func (g *binding) conflict(def *table.TableDef, oc *ast.OnConflict) (*table.OnConflict, error) {
	out := &table.OnConflict{DoNothing: true, Key: -1}
	if oc.Set != nil && oc.Constraint == "" && oc.Columns == nil {
		return nil, sqlerr.New(sqlerr.SyntaxError, "ON CONFLICT DO UPDATE requires inference specification or constraint name").
			WithHint("For example, ON CONFLICT (column_name).").At(oc.Pos())
	}
	if oc.Constraint != "" {
		for i := range def.Keys {
			if def.Keys[i].Name == oc.Constraint {
				out.Key = i
				return out, nil
			}
		}
		return nil, sqlerr.Newf(sqlerr.UndefinedObject, "constraint \"%s\" for table \"%s\" does not exist", oc.Constraint, def.Name)
	}
	if oc.Columns == nil {
		return out, nil
	}
	var cols []int
	for _, n := range oc.Columns {
		i := def.ColumnIndex(n.Name)
		if i < 0 {
			return nil, sqlerr.Newf(sqlerr.UndefinedColumn, "column \"%s\" does not exist", n.Name).At(n.Pos())
		}
		if !slices.Contains(cols, i) {
			cols = append(cols, i)
		}
	}
	for i := range def.Keys {
		if sameSet(def.Keys[i].Columns, cols) {
			out.Key = i
			return out, nil
		}
	}
	return nil, sqlerr.New(sqlerr.InvalidColumnReference,
		"there is no unique or exclusion constraint matching the ON CONFLICT specification")
}

func sameSet(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for _, x := range a {
		if !slices.Contains(b, x) {
			return false
		}
	}
	return true
}

// returning binds RETURNING over the written row, named like the target, and the other items of the
// statement.
func (g *binding) returning(m *Modify, list []ast.Target, s *scope, name string, others []*item) error {
	if list == nil {
		return nil
	}
	for i := range m.Table.Columns {
		c := g.newCol(m.Table.Columns[i].Name, m.Table.Columns[i].Type)
		c.Table, c.Attribute = m.Table.ID, i+1
		m.NewRow = append(m.NewRow, c)
	}
	it := s.newItem(name, itemTable, m.NewRow, 0)
	it.schema = g.schemaName(m.Table.Schema)
	s.items = append([]*item{it}, others...)
	if s.sourceFirst {
		s.items = append(others[:len(others):len(others)], it)
	}
	targets, err := s.targets(list, "RETURNING", resolveUnknown)
	if err != nil {
		return err
	}
	for _, t := range targets {
		c := g.newCol(t.name, t.value.Type())
		if ref, ok := t.value.(*expr.Column); ok {
			c.Table, c.Attribute = g.origin(ref.ID)
			for _, n := range m.NewRow {
				if n.ID == ref.ID {
					c.Table, c.Attribute = n.Table, n.Attribute
				}
			}
		}
		m.Returning, m.Out = append(m.Returning, t.value), append(m.Out, c)
	}
	return nil
}
