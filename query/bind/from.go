package bind

import (
	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// from binds FROM and makes its items the scope's. No FROM is one row without columns.
func (s *scope) from(list []ast.TableExpr) (plan.Rel, error) {
	var rel plan.Rel
	for _, f := range list {
		r, items, lateral, err := s.tableExpr(f, s.items)
		if err != nil {
			return nil, err
		}
		if err := checkNames(s.items, items); err != nil {
			return nil, err
		}
		s.items = append(s.items, items...)
		rel = joinRel(plan.Inner, rel, r, nil, lateral)
	}
	if rel == nil {
		return oneRow(), nil
	}
	return rel, nil
}

func oneRow() plan.Rel { return &plan.RelValues{Tuples: [][]expr.Expr{{}}} }

// joinRel joins l (nil: nothing yet) with r, which uses columns of l if lateral.
func joinRel(kind plan.JoinKind, l, r plan.Rel, cond expr.Expr, lateral bool) plan.Rel {
	switch {
	case l == nil:
		return r
	case lateral:
		return &plan.RelApply{Kind: kind, L: l, R: r, Cond: cond}
	}
	return &plan.RelJoin{Kind: kind, L: l, R: r, Cond: cond}
}

// checkNames refuses two items of one name (42712).
func checkNames(a, b []*item) error {
	for _, x := range a {
		for _, y := range b {
			if x.name != "" && x.nameVisible && y.nameVisible && x.name == y.name && !distinctSchemas(x, y) {
				return sqlerr.Newf(sqlerr.DuplicateAlias, "table name \"%s\" specified more than once", x.name)
			}
		}
	}
	return nil
}

// distinctSchemas reports whether both are tables without alias in different schemas.
func distinctSchemas(x, y *item) bool {
	return x.schema != "" && y.schema != "" && x.schema != y.schema
}

// tableExpr binds an item of FROM. left are the items to its left, which LATERAL may use; lateral tells
// whether it does.
func (s *scope) tableExpr(f ast.TableExpr, left []*item) (rel plan.Rel, items []*item, lateral bool, err error) {
	switch f := f.(type) {
	case *ast.TableRef:
		rel, it, err := s.tableRef(f)
		return rel, []*item{it}, false, err
	case *ast.SubqueryRef:
		return s.subqueryRef(f, left)
	case *ast.FuncRef:
		return s.funcRef(f, left)
	case *ast.Join:
		rel, items, err := s.join(f, left)
		return rel, items, err == nil && usesItems(rel, s), err
	}
	return nil, nil, false, sqlerr.Unsupported("FROM item")
}

// tableRef binds a table, view, CTE or system relation.
func (s *scope) tableRef(f *ast.TableRef) (plan.Rel, *item, error) {
	name := f.Name
	if f.Alias != nil {
		name = f.Alias.Name
	}
	if f.Schema == "" && f.Catalog == "" {
		if c := s.ctes.find(f.Name); c != nil {
			return s.cteRef(c, f, name)
		}
		if sys, err := s.g.system(f.RelName); sys != nil || err != nil {
			return s.systemRef(sys, err, f, name)
		}
	}
	o, err := s.g.Relation(f.RelName)
	if err != nil {
		return nil, nil, err
	}
	if o != nil {
		s.g.noteRelation(f.RelName, o)
	}
	switch o := o.(type) {
	case nil:
		sys, err := s.g.system(f.RelName)
		if sys == nil && err == nil {
			err = noRelation(f.RelName)
		}
		return s.systemRef(sys, err, f, name)
	case *table.TableDef:
		s.g.use(o.ID)
		scan := s.g.scan(o, name)
		it := s.newItem(name, itemTable, scan.Out, f.Pos())
		it.scan = scan
		if f.Alias == nil {
			it.schema = s.g.schemaName(o.Schema)
		}
		return scan, it, renameColumns(it, f.Alias)
	case *table.SequenceDef:
		s.g.use(o.ID)
		sys, err := s.g.sequenceRelation(o)
		return s.systemRef(sys, err, f, name)
	case *table.ViewDef:
		s.g.use(o.ID)
		return s.viewRef(o, f, name)
	}
	return nil, nil, sqlerr.Newf(sqlerr.WrongObjectType, "cannot open relation \"%s\"", f.Name).At(f.Pos())
}

func (b *Binder) schemaName(id table.ObjectID) string {
	if o := b.schema.ByID(id); o != nil {
		return o.Head().Name
	}
	return ""
}

// scan makes a scan of all columns of a table.
func (g *binding) scan(t *table.TableDef, alias string) *plan.RelScan {
	g.addTable(t)
	r := &plan.RelScan{Table: t, Alias: alias}
	for i := range t.Columns {
		c := g.newCol(t.Columns[i].Name, t.Columns[i].Type)
		c.Table, c.Attribute = t.ID, i+1
		r.Out, r.Attrs = append(r.Out, c), append(r.Attrs, i)
		g.scans[c.ID] = r
	}
	return r
}

// addRef makes a scan output row references.
func (g *binding) addRef(r *plan.RelScan) {
	if r.Ref.ID == 0 {
		r.Ref = g.newCol(r.Alias+".ref", types.T(types.Int8))
	}
}

// renameColumns applies the column aliases of an alias to an item.
func renameColumns(it *item, a *ast.Alias) error {
	if a == nil {
		return nil
	}
	if len(a.Columns) > len(it.cols) {
		return sqlerr.Newf(sqlerr.InvalidColumnReference,
			"table \"%s\" has %d columns available but %d columns specified", it.name, len(it.cols), len(a.Columns))
	}
	for i, name := range a.Columns {
		it.cols[i].name = name
	}
	return nil
}

func (s *scope) viewRef(v *table.ViewDef, f *ast.TableRef, name string) (plan.Rel, *item, error) {
	q, err := viewQuery(v)
	if err != nil {
		return nil, nil, err
	}
	outside := s.g.Binder
	if s.g.schemaName(v.Schema) != outside.opts.Temp { // temporary relations do not hide what it was made of
		inside := *outside
		inside.opts.Temp = ""
		s.g.Binder = &inside
	}
	s.g.views++
	r, err := s.g.query(q, nil, nil, resolveUnknown)
	s.g.views--
	s.g.Binder = outside
	if err != nil {
		return nil, nil, err
	}
	if err := sameColumns(v, r.out); err != nil {
		return nil, nil, err
	}
	cols := s.g.freshCols(&r)
	it := s.newItem(name, itemSubquery, cols, f.Pos())
	if f.Alias == nil {
		it.schema = s.g.schemaName(v.Schema)
	}
	for i := range v.Columns {
		it.cols[i].name = v.Columns[i].Name
	}
	return r.rel, it, renameColumns(it, f.Alias)
}

// freshCols gives the columns of a subquery in FROM IDs that differ from each other: one that occurs
// twice, or that the query passes on from outside, is computed again.
func (g *binding) freshCols(r *query) []plan.Col {
	produced := map[int]bool{}
	for _, c := range r.rel.Cols() {
		produced[c.ID] = true
	}
	seen := map[int]bool{}
	fresh := true
	for _, c := range r.out {
		fresh = fresh && !seen[c.ID] && produced[c.ID]
		seen[c.ID] = true
	}
	if fresh {
		return r.out
	}
	p := &plan.RelProject{Input: r.rel}
	for _, c := range r.out {
		n := g.newCol(c.Name, c.Type)
		n.Table, n.Attribute = c.Table, c.Attribute
		p.Exprs, p.Out = append(p.Exprs, c.Ref()), append(p.Out, n)
	}
	r.rel, r.out = p, p.Out
	return p.Out
}

func (s *scope) systemRef(sys *SystemTable, err error, f *ast.TableRef, name string) (plan.Rel, *item, error) {
	if err != nil {
		return nil, nil, err
	}
	s.g.systemUsed = true
	v := &plan.RelValues{}
	for i := range sys.Columns {
		v.Out = append(v.Out, s.g.newCol(sys.Columns[i].Name, sys.Columns[i].Type))
	}
	for _, row := range sys.Rows {
		tuple := make([]expr.Expr, len(row))
		for i := range row {
			tuple[i] = expr.NewConst(row[i], sys.Columns[i].Type, 0)
		}
		v.Tuples = append(v.Tuples, tuple)
	}
	it := s.newItem(name, itemSystem, v.Out, f.Pos())
	return v, it, renameColumns(it, f.Alias)
}

func (s *scope) subqueryRef(f *ast.SubqueryRef, left []*item) (plan.Rel, []*item, bool, error) {
	name := ""
	if f.Alias != nil {
		name = f.Alias.Name
	}
	outer := s.outer
	if f.Lateral {
		outer = s.part(left)
	}
	r, err := s.g.queryHidden(f.Query, outer, s.ctes, resolveUnknown, s)
	if err != nil {
		return nil, nil, false, err
	}
	it := s.newItem(name, itemSubquery, s.g.freshCols(&r), f.Pos())
	it.schema = ""
	return r.rel, []*item{it}, f.Lateral, renameColumns(it, f.Alias)
}

// funcRef binds a function in FROM: generate_series over integers, or any function as one row.
func (s *scope) funcRef(f *ast.FuncRef, left []*item) (plan.Rel, []*item, bool, error) {
	if c, ok := f.Call.(*ast.Call); ok && isAncestors(c) {
		return s.subqueryRef(noAncestors(f, c), left)
	}
	x := s.part(left).exprs("functions in FROM")
	name := columnName(f.Call)
	if f.Alias != nil {
		name = f.Alias.Name
	}
	var rel plan.Rel
	var col plan.Col
	if c, ok := f.Call.(*ast.Call); ok && c.Name == "generate_series" && (c.Schema == "" || c.Schema == pgCatalog) {
		series, err := x.series(c, name)
		if err != nil {
			return nil, nil, false, err
		}
		rel, col = series, series.Out
	} else if ok && c.Name == "unnest" && len(c.Args) == 1 && (c.Schema == "" || c.Schema == pgCatalog) {
		elements, err := x.unnest(c, name)
		if err != nil {
			return nil, nil, false, err
		}
		rel, col = elements, elements.Out[0]
	} else {
		e, err := x.bind(f.Call)
		if err != nil {
			return nil, nil, false, err
		}
		col = s.g.newCol(name, e.Type())
		rel = &plan.RelProject{Input: oneRow(), Exprs: []expr.Expr{e}, Out: []plan.Col{col}}
	}
	it := s.newItem(name, itemFunction, []plan.Col{col}, f.Pos())
	return rel, []*item{it}, usesItems(rel, s), renameColumns(it, f.Alias)
}

// usesItems reports whether the expressions of a function in FROM name columns of the same FROM.
func usesItems(rel plan.Rel, s *scope) bool {
	for id := range plan.Free(rel) {
		if s.g.owner[id] == s.home {
			return true
		}
	}
	return false
}

// unnest binds unnest(array) for arrays of the system catalogs: their elements by subscript.
func (x *exprs) unnest(c *ast.Call, name string) (*plan.RelProject, error) {
	array, err := x.bind(c.Args[0])
	if err != nil {
		return nil, err
	}
	if !array.Type().Kind.IsArray() {
		return nil, sqlerr.Unsupported("set-returning function unnest").At(c.Pos())
	}
	one := expr.NewConst(types.NewInt(types.Int4, 1), types.T(types.Int4), 0)
	r := &plan.RelSeries{Step: one, Out: x.s.g.newCol("i", types.T(types.Int4))}
	if r.Start, err = expr.NewBound(c.Pos(), array, false); err != nil {
		return nil, err
	}
	if r.Stop, err = expr.NewBound(c.Pos(), array, true); err != nil {
		return nil, err
	}
	element, err := expr.NewElement(c.Pos(), array, r.Out.Ref())
	if err != nil {
		return nil, err
	}
	return &plan.RelProject{Input: r, Exprs: []expr.Expr{element}, Out: []plan.Col{x.s.g.newCol(name, element.Type())}}, nil
}

// series binds generate_series(start, stop [, step]) over int4 or int8.
func (x *exprs) series(c *ast.Call, name string) (*plan.RelSeries, error) {
	args, err := x.list(c.Args)
	if err != nil {
		return nil, err
	}
	return x.seriesOf(c, args, name)
}

func (x *exprs) seriesOf(c *ast.Call, args []expr.Expr, name string) (_ *plan.RelSeries, err error) {
	if len(args) != 2 && len(args) != 3 || c.Star || c.Distinct || c.Filter != nil || c.OrderBy != nil {
		return nil, expr.NoFunction("generate_series", args, c.Pos())
	}
	kind, exact := types.Int4, false
	for _, a := range args {
		switch a.Type().Kind {
		case types.Int8:
			kind, exact = types.Int8, true
		case types.Int4:
			exact = true
		case types.Int2, types.Unknown:
		default:
			return nil, sqlerr.Unsupported("generate_series over " + a.Type().Kind.String()).At(c.Pos())
		}
	}
	if !exact {
		return nil, expr.Ambiguous("generate_series", args, c.Pos())
	}
	for i, a := range args {
		if args[i], err = expr.NewCast(a, types.T(kind), expr.Implicit, a.Pos()); err != nil {
			return nil, err
		}
	}
	r := &plan.RelSeries{Start: args[0], Stop: args[1], Out: x.s.g.newCol(name, types.T(kind))}
	r.Step = expr.NewConst(types.NewInt(kind, 1), types.T(kind), 0)
	if len(args) == 3 {
		r.Step = args[2]
	}
	return r, nil
}
