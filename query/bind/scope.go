package bind

import (
	"fmt"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// codeAmbiguousAlias is PostgreSQL's 42P09.
const codeAmbiguousAlias sqlerr.Code = "42P09"

// scope is the names that expressions of one query may use, and the way to those of the query around it.
type scope struct {
	g     *binding
	outer *scope
	ctes  *cteScope
	items []*item
	// covered are items that the alias of a join hides; only messages know them.
	covered []*item
	// home is the scope that owns the columns: scopes of parts of FROM (for ON) point to the query's.
	home *scope
	// current is the clause whose subquery is bound, nil if it is none of an expression; below are aggregates of this query
	// that stand in subqueries. Only home has them.
	current *exprs
	below   []belowAggregate
	// sourceFirst: in RETURNING of MERGE a star shows the source before the target.
	sourceFirst bool
	// action is the column of MERGE_ACTION(), in RETURNING of MERGE.
	action *plan.Col
	// windows are those of WINDOW.
	windows windowClause
	// hidden is the query in whose FROM this one stands: it may not use it without LATERAL.
	hidden *scope
}

func (g *binding) newScope(outer *scope, ctes *cteScope) *scope {
	s := &scope{g: g, outer: outer, ctes: ctes}
	s.home = s
	return s
}

// part returns a scope of the same query that sees only the given items.
func (s *scope) part(items []*item) *scope {
	return &scope{g: s.g, outer: s.outer, ctes: s.ctes, items: items, home: s.home}
}

// item is an entry of the name space that FROM makes.
type item struct {
	name   string // alias or table name; "" for a join without alias
	schema string // of a table without alias
	cols   []itemCol
	// nameVisible: columns may be qualified with the name; colsVisible: they may be named alone
	// and * shows them.
	nameVisible, colsVisible bool
	// scan is the table, for FOR UPDATE; nil for other items.
	scan *plan.RelScan
	// kind says what the item is, for messages of FOR UPDATE.
	kind itemKind
	// nullable: on the nullable side of an outer join.
	nullable bool
	pos      int
}

type itemKind uint8

const (
	itemTable itemKind = iota
	itemSubquery
	itemJoin
	itemFunction
	itemValues
	itemCTE
	itemSystem
)

// itemCol is a column of an item: a column of its plan, or what a join merged from two.
type itemCol struct {
	name  string
	value expr.Expr
}

// refer returns an expression for the column at a position of the text.
func (c *itemCol) refer(pos int) expr.Expr {
	if col, ok := c.value.(*expr.Column); ok {
		return &expr.Column{Node: expr.Node{Typ: col.Typ, At: pos}, ID: col.ID, Name: col.Name}
	}
	return c.value
}

// newItem makes an item whose columns are those of a plan, and records who owns them.
func (s *scope) newItem(name string, kind itemKind, cols []plan.Col, pos int) *item {
	it := &item{name: name, kind: kind, nameVisible: name != "", colsVisible: true, pos: pos}
	for _, c := range cols {
		s.own(c, name)
		it.cols = append(it.cols, itemCol{c.Name, c.Ref()})
	}
	return it
}

// own records that the query's FROM produces a column.
func (s *scope) own(c plan.Col, rel string) {
	s.g.owner[c.ID] = s.home
	s.g.names[c.ID] = c.Name
	if rel != "" {
		s.g.names[c.ID] = rel + "." + c.Name
	}
}

// column resolves a column reference.
func (s *scope) column(r *ast.ColumnRef) (expr.Expr, error) {
	switch len(r.Names) {
	case 1:
		return s.unqualified(r.Names[0], r.Pos())
	case 2:
		return s.qualified("", r.Names[0], r.Names[1], r)
	case 3:
		return s.qualified(r.Names[0], r.Names[1], r.Names[2], r)
	case 4:
	default:
		return nil, sqlerr.Newf(sqlerr.SyntaxError, "improper qualified name (too many dotted names): %s",
			dotted(r.Names)).At(r.Pos())
	}
	return nil, sqlerr.Newf(sqlerr.FeatureNotSupported, "cross-database references are not implemented: %s",
		dotted(r.Names)).At(r.Pos())
}

func (s *scope) unqualified(name string, pos int) (expr.Expr, error) {
	for level := s; level != nil; level = level.outer {
		e, err := level.localColumn(name, pos)
		if e != nil || err != nil {
			return e, err
		}
	}
	if err := systemColumn(name, pos); err != nil && len(s.items) > 0 {
		return nil, err
	}
	for level := s; level != nil; level = level.outer {
		for _, it := range level.items {
			if it.nameVisible && it.name == name {
				return nil, sqlerr.Unsupported("whole-row reference").At(pos)
			}
		}
	}
	return nil, s.noColumn("", name, pos)
}

// localColumn finds an unqualified name in this scope alone; nil if it is not there.
func (s *scope) localColumn(name string, pos int) (expr.Expr, error) {
	var found *itemCol
	for _, it := range s.items {
		if !it.colsVisible {
			continue
		}
		for i := range it.cols {
			if it.cols[i].name != name {
				continue
			}
			if found != nil {
				return nil, sqlerr.Newf(sqlerr.AmbiguousColumn, "column reference \"%s\" is ambiguous", name).At(pos)
			}
			found = &it.cols[i]
		}
	}
	if found == nil {
		return nil, nil
	}
	return found.refer(pos), nil
}

func systemColumn(name string, pos int) error {
	switch name {
	case "ctid", "xmin", "xmax", "cmin", "cmax", "tableoid":
		return sqlerr.Unsupported("system column " + name).At(pos)
	}
	return nil
}

// relation finds the item that a qualifier names, in the nearest scope that has one.
func (s *scope) relation(schema, name string, pos int) (*item, error) {
	schema = s.g.realSchema(schema)
	for level := s; level != nil; level = level.outer {
		var found *item
		for _, it := range level.items {
			if !it.nameVisible || it.name != name || schema != "" && it.schema != schema {
				continue
			}
			if found != nil {
				return nil, sqlerr.Newf(codeAmbiguousAlias, "table reference \"%s\" is ambiguous", name).At(pos)
			}
			found = it
		}
		if found != nil {
			return found, nil
		}
	}
	return nil, nil
}

func (s *scope) qualified(schema, rel, name string, r *ast.ColumnRef) (expr.Expr, error) {
	it, err := s.relation(schema, rel, r.Pos())
	if err != nil {
		return nil, err
	}
	if it == nil {
		return nil, s.noItem(rel, r.Pos())
	}
	var found *itemCol
	for i := range it.cols {
		if it.cols[i].name == name {
			if found != nil {
				return nil, sqlerr.Newf(sqlerr.AmbiguousColumn, "column reference \"%s\" is ambiguous", name).At(r.Pos())
			}
			found = &it.cols[i]
		}
	}
	if found != nil {
		return found.refer(r.Pos()), nil
	}
	if err := systemColumn(name, r.Pos()); err != nil && it.kind == itemTable {
		return nil, err
	}
	return nil, s.noColumn(rel, name, r.Pos())
}

// noItem is the 42P01 error for a qualifier that names nothing.
func (s *scope) noItem(rel string, pos int) error {
	invalid := sqlerr.Newf(sqlerr.UndefinedTable, "invalid reference to FROM-clause entry for table \"%s\"", rel).At(pos)
	const detail = "There is an entry for table \"%s\", but it cannot be referenced from this part of the query."
	for level := s; level != nil; level = level.outer {
		for _, it := range append(level.home.items[:len(level.home.items):len(level.home.items)], level.home.covered...) {
			switch {
			case it.scan != nil && it.scan.Table.Name == rel && it.name != rel:
				return invalid.WithHint("Perhaps you meant to reference the table alias \"%s\".", it.name)
			case it.name == rel:
				return invalid.WithDetail(detail, rel)
			}
		}
		if level.hidden == nil {
			continue
		}
		for _, it := range level.hidden.items {
			if it.name == rel {
				return invalid.WithDetail(detail, rel).
					WithHint("To reference that table, you must mark this subquery with LATERAL.")
			}
		}
	}
	return sqlerr.Newf(sqlerr.UndefinedTable, "missing FROM-clause entry for table \"%s\"", rel).At(pos)
}

// noColumn is the 42703 error for a column that is not there, with a hint if a similar name is.
func (s *scope) noColumn(rel, name string, pos int) error {
	text := fmt.Sprintf("column \"%s\" does not exist", name)
	if rel != "" {
		text = fmt.Sprintf("column %s.%s does not exist", rel, name)
	}
	err := sqlerr.New(sqlerr.UndefinedColumn, text).At(pos)
	if hint := s.similarColumn(rel, name); hint != "" {
		return err.WithHint("%s", hint)
	}
	if it := s.hiddenColumn(name); it != nil && rel == "" {
		return err.WithDetail("There is a column named \"%s\" in table \"%s\", "+
			"but it cannot be referenced from this part of the query.", name, it.name).
			WithHint("To reference that column, you must mark this subquery with LATERAL.")
	}
	return err
}

// hiddenColumn finds a column of the query in whose FROM this one stands.
func (s *scope) hiddenColumn(name string) *item {
	for level := s; level != nil; level = level.outer {
		if level.hidden == nil {
			continue
		}
		for _, it := range level.hidden.items {
			for i := range it.cols {
				if it.cols[i].name == name && it.nameVisible {
					return it
				}
			}
		}
	}
	return nil
}

func dotted(names []string) string {
	out := ""
	for i, n := range names {
		if i > 0 {
			out += "."
		}
		out += n
	}
	return out
}

// star expands * or rel.*.
func (s *scope) star(r *ast.ColumnRef) ([]itemCol, error) {
	if len(r.Names) == 0 {
		if len(s.items) == 0 {
			return nil, sqlerr.New(sqlerr.SyntaxError, "SELECT * with no tables specified is not valid").At(r.Pos())
		}
		var out []itemCol
		for _, it := range s.items {
			if it.colsVisible {
				out = append(out, it.cols...)
			}
		}
		return out, nil
	}
	schema, rel := "", r.Names[len(r.Names)-1]
	switch len(r.Names) {
	case 1:
	case 2:
		schema = r.Names[0]
	default:
		return nil, sqlerr.Newf(sqlerr.FeatureNotSupported, "cross-database references are not implemented: %s.*",
			dotted(r.Names)).At(r.Pos())
	}
	it, err := s.relation(schema, rel, r.Pos())
	if err != nil {
		return nil, err
	}
	if it == nil {
		return nil, s.noItem(rel, r.Pos())
	}
	return it.cols, nil
}

// anyType is the type of what has none yet.
func isUnknown(e expr.Expr) bool { return e.Type().Kind == types.Unknown }
