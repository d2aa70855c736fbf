package bind

import (
	"slices"
	"strings"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// finishForeign adds the FOREIGN KEY constraints of a new table, which may reference the table itself.
func (t *tableBuilder) finishForeign() error {
	for _, k := range t.foreign {
		parent := t.def
		if !t.isSelf(k.Reference.Table) {
			var err error
			if parent, err = t.b.referenced(k.Reference.Table); err != nil {
				return err
			}
		}
		f, err := t.b.foreignKey(t.def, parent, k)
		if err != nil {
			return err
		}
		if f.NotValid = false; parent == t.def { // no row is there yet
			f.Table = 0
		}
		if err := t.nameForeign(f); err != nil {
			return err
		}
	}
	return nil
}

// isSelf reports whether a name is that of the table being made.
func (t *tableBuilder) isSelf(n ast.RelName) bool {
	if n.Name != t.def.Name || n.Catalog != "" {
		return false
	}
	if n.Schema == "" {
		return true
	}
	id, err := t.b.SchemaID(t.b.realSchema(n.Schema))
	return err == nil && id == t.def.Schema
}

// referenced finds a table by the name that a constraint references it by.
func (b *Binder) referenced(n ast.RelName) (*table.TableDef, error) {
	o, err := b.Relation(n)
	if o != nil && o.Head().Kind != table.KindTable {
		return nil, sqlerr.Newf(sqlerr.WrongObjectType, "referenced relation \"%s\" is not a table", n.Name)
	}
	if err == nil && o == nil {
		_, err = b.Table(n) // why there is none
		if e := sqlerr.From(err); e.Position != 0 {
			e = e.WithMessage("%s", e.Message)
			e.Position = 0
			err = e
		}
	}
	if err != nil {
		return nil, err
	}
	return o.(*table.TableDef), nil
}

// nameForeign names a constraint and adds it to the table.
func (t *tableBuilder) nameForeign(f *table.ForeignKey) error {
	if f.Name != "" && hasConstraint(t.def, f.Name) {
		return sqlerr.Newf(sqlerr.DuplicateObject, "constraint \"%s\" for relation \"%s\" already exists", f.Name, t.def.Name)
	}
	if f.Name == "" {
		names := make([]string, len(f.Columns))
		for i, c := range f.Columns {
			names[i] = t.def.Columns[c].Name
		}
		f.Name = chooseName(t.def.Name, strings.Join(names, "_"), "fkey",
			func(n string) bool { return hasConstraint(t.def, n) }, map[string]bool{})
	}
	t.def.Foreign = append(t.def.Foreign, *f)
	return nil
}

// hasConstraint reports whether a table has a constraint of a name.
func hasConstraint(def *table.TableDef, name string) bool {
	return slices.ContainsFunc(def.Keys, func(k table.Key) bool { return k.Name == name }) ||
		slices.ContainsFunc(def.Checks, func(k table.Check) bool { return k.Name == name }) ||
		slices.ContainsFunc(def.Foreign, func(f table.ForeignKey) bool { return f.Name == name })
}

// foreignKey makes the constraint that k describes, of a table that references parent.
func (b *Binder) foreignKey(def, parent *table.TableDef, k *ast.Constraint) (*table.ForeignKey, error) {
	r := k.Reference
	f := &table.ForeignKey{
		Name: k.Name, Table: parent.ID, Full: r.Full, OnUpdate: table.RefAction(r.OnUpdate), OnDelete: table.RefAction(r.OnDelete),
		Deferrable: r.Deferrable, Deferred: r.Deferred, NotValid: r.NotValid,
	}
	if err := b.checkLifetimes(def, parent); err != nil {
		return nil, err
	}
	var err error
	if f.Columns, err = foreignColumns(def, k.Columns); err != nil {
		return nil, err
	}
	if f.SetColumns, err = foreignColumns(def, r.SetColumns); err != nil {
		return nil, err
	}
	for i, c := range f.SetColumns {
		if !slices.Contains(f.Columns, c) {
			return nil, sqlerr.Newf(sqlerr.InvalidColumnReference,
				"column \"%s\" referenced in ON DELETE SET action must be part of foreign key", r.SetColumns[i].Name)
		}
	}
	cols, err := referencedColumns(parent, r.Columns)
	if err != nil {
		return nil, err
	}
	if err := checkForeignGenerated(def, f); err != nil {
		return nil, err
	}
	if len(cols) != len(f.Columns) {
		return nil, sqlerr.New(sqlerr.InvalidForeignKey, "number of referencing and referenced columns for foreign key disagree")
	}
	for _, c := range cols {
		f.RefColumns = append(f.RefColumns, futureID(parent, c))
	}
	if f.Name == "" { // for the message
		named := *f
		if err := (&tableBuilder{b: b, def: def.CloneObject().(*table.TableDef)}).nameForeign(&named); err != nil {
			return nil, err
		}
		return f, checkForeignTypes(def, parent, &named, cols)
	}
	return f, checkForeignTypes(def, parent, f, cols)
}

// checkLifetimes refuses references between temporary and other tables.
func (b *Binder) checkLifetimes(def, parent *table.TableDef) error {
	temporary := func(d *table.TableDef) bool {
		o := b.schema.ByID(d.Schema)
		return o != nil && strings.HasPrefix(o.Head().Name, table.TempSchemaPrefix)
	}
	switch of, to := temporary(def), temporary(parent); {
	case of && !to:
		return sqlerr.New(sqlerr.InvalidTableDefinition, "constraints on temporary tables may reference only temporary tables")
	case !of && to:
		return sqlerr.New(sqlerr.InvalidTableDefinition, "constraints on permanent tables may reference only permanent tables")
	}
	return nil
}

// foreignColumnsMax is PostgreSQL's limit.
const foreignColumnsMax = 32

func foreignColumns(def *table.TableDef, names []ast.InsertColumn) (cols []int, err error) {
	for _, n := range names {
		i := def.ColumnIndex(n.Name)
		switch {
		case i < 0 && systemColumn(n.Name, 0) != nil:
			return nil, sqlerr.New(sqlerr.FeatureNotSupported, "system columns cannot be used in foreign keys")
		case i < 0:
			return nil, sqlerr.Newf(sqlerr.UndefinedColumn, "column \"%s\" referenced in foreign key constraint does not exist", n.Name)
		case len(cols) == foreignColumnsMax:
			return nil, sqlerr.Newf(sqlerr.TooManyColumns, "cannot have more than %d keys in a foreign key", foreignColumnsMax)
		}
		cols = append(cols, i)
	}
	return cols, nil
}

// referencedColumns returns the named columns of a referenced table, on which it has a key; those of its primary key if none
// is named.
func referencedColumns(parent *table.TableDef, names []ast.InsertColumn) ([]int, error) {
	if len(names) == 0 {
		for _, k := range parent.Keys {
			if k.Primary {
				return k.Columns, nil
			}
		}
		return nil, sqlerr.Newf(sqlerr.UndefinedObject, "there is no primary key for referenced table \"%s\"", parent.Name)
	}
	cols, err := foreignColumns(parent, names)
	if err != nil {
		return nil, err
	}
	for i, c := range cols {
		if slices.Contains(cols[:i], c) {
			return nil, sqlerr.New(sqlerr.InvalidForeignKey, "foreign key referenced-columns list must not contain duplicates")
		}
	}
	for _, k := range parent.Keys {
		if len(k.Columns) == len(cols) && !slices.ContainsFunc(k.Columns, func(c int) bool { return !slices.Contains(cols, c) }) {
			return cols, nil
		}
	}
	return nil, sqlerr.Newf(sqlerr.InvalidForeignKey, "there is no unique constraint matching given keys for referenced table \"%s\"", parent.Name)
}

// checkForeignGenerated refuses actions that would write generated columns.
func checkForeignGenerated(def *table.TableDef, f *table.ForeignKey) error {
	for _, c := range f.Columns {
		switch {
		case def.Columns[c].Generated == "":
		case def.Columns[c].Virtual:
			return sqlerr.New(sqlerr.FeatureNotSupported, "foreign key constraints on virtual generated columns are not supported")
		case f.OnUpdate == table.SetNull || f.OnUpdate == table.SetDefault || f.OnUpdate == table.Cascade:
			return sqlerr.New(sqlerr.SyntaxError, "invalid ON UPDATE action for foreign key constraint containing generated column")
		case f.OnDelete == table.SetNull || f.OnDelete == table.SetDefault:
			return sqlerr.New(sqlerr.SyntaxError, "invalid ON DELETE action for foreign key constraint containing generated column")
		}
	}
	return nil
}

// futureID returns the ID that a column has, or will get when the storage takes the definition.
func futureID(def *table.TableDef, col int) uint32 {
	if id := def.Columns[col].ID; id != 0 {
		return id
	}
	id := def.ColumnID
	for i := range def.Columns[:col+1] {
		if def.Columns[i].ID == 0 {
			id++
		}
	}
	return id
}

// checkForeignTypes checks that columns can be compared with those that they reference.
func checkForeignTypes(def, parent *table.TableDef, f *table.ForeignKey, cols []int) error {
	for i, c := range f.Columns {
		from, to := def.Columns[c].Type.Kind, parent.Columns[cols[i]].Type.Kind
		if table.Referable(from, to) {
			continue
		}
		if expr.CanCoerce(from, to, expr.Implicit) {
			return sqlerr.Unsupported("a foreign key of type " + from.String() + " that references " + to.String())
		}
		return sqlerr.Newf(sqlerr.DatatypeMismatch, "foreign key constraint \"%s\" cannot be implemented", f.Name).
			WithDetail("Key columns \"%s\" of the referencing table and \"%s\" of the referenced table are of incompatible types: %s and %s.",
				def.Columns[c].Name, parent.Columns[cols[i]].Name, from, to)
	}
	return nil
}

// ForeignUser is a FOREIGN KEY constraint of another table that an alteration leaves without what it references.
type ForeignUser struct {
	Def     *table.TableDef
	Foreign string // name of the constraint
}

// foreignUsers returns the constraints, those of the table itself among them, that reference it and of which f is true.
func (a *alteration) foreignUsers(f func(*table.ForeignKey) bool) (list []ForeignUser) {
	var ids []table.ObjectID
	for _, o := range a.b.schema.List(table.KindTable) {
		def := o.(*table.TableDef)
		if def.ID == a.def.ID {
			def = a.def
		}
		for i := range def.Foreign {
			if def.Foreign[i].Table == a.def.ID && f(&def.Foreign[i]) {
				at, _ := slices.BinarySearch(ids, def.Foreign[i].ID)
				ids = slices.Insert(ids, at, def.Foreign[i].ID)
				list = slices.Insert(list, at, ForeignUser{def, def.Foreign[i].Name})
			}
		}
	}
	return list
}

// release makes constraints go that are about to reference nothing: with CASCADE, or if they go with what is dropped.
func (a *alteration) release(users []ForeignUser, what, on string, mine func(*table.ForeignKey) bool) error {
	var lines []string
	for _, u := range users {
		own := u.Def == a.def
		if own && mine != nil {
			i := slices.IndexFunc(a.def.Foreign, func(f table.ForeignKey) bool { return f.Name == u.Foreign })
			if mine(&a.def.Foreign[i]) {
				continue // it would go anyway
			}
		}
		lines = append(lines, "constraint "+u.Foreign+" on table "+u.Def.Name)
		if !a.c.Cascade {
			continue
		}
		if own {
			a.def.Foreign = slices.DeleteFunc(a.def.Foreign, func(f table.ForeignKey) bool { return f.Name == u.Foreign })
		} else {
			a.out.Released = append(a.out.Released, u)
		}
	}
	if len(lines) == 0 || a.c.Cascade {
		a.out.Cascaded = append(a.out.Cascaded, lines...)
		return nil
	}
	for i := range lines {
		lines[i] += " depends on " + on
	}
	return sqlerr.Newf(sqlerr.DependentObjectsStillExist, "cannot drop %s because other objects depend on it", what).
		WithDetail("%s", strings.Join(lines, "\n")).WithHint("Use DROP ... CASCADE to drop the dependent objects too.")
}

// addForeign adds a FOREIGN KEY constraint.
func (a *alteration) addForeign(k *ast.Constraint) error {
	parent, err := a.b.referenced(k.Reference.Table)
	if err != nil {
		return err
	}
	if parent.ID == a.def.ID {
		parent = a.def
	}
	f, err := a.b.foreignKey(a.def, parent, k)
	if err != nil {
		return err
	}
	return (&tableBuilder{b: a.b, def: a.def}).nameForeign(f)
}

// validateConstraint makes a FOREIGN KEY hold for all rows; the other constraints do.
func (a *alteration) validateConstraint() error {
	if !a.hasConstraint(a.c.Name) {
		return a.noConstraint()
	}
	for i := range a.def.Foreign {
		if a.def.Foreign[i].Name == a.c.Name {
			a.def.Foreign[i].NotValid = false
			return nil
		}
	}
	if slices.ContainsFunc(a.def.Keys, func(k table.Key) bool { return k.Name == a.c.Name }) {
		return sqlerr.Newf(sqlerr.WrongObjectType, "cannot validate constraint \"%s\" of relation \"%s\"", a.c.Name, a.def.Name).
			WithDetail("This operation is not supported for this type of constraint.")
	}
	return nil
}

// retypeForeign checks that the constraints that column i is in can still compare it.
func (a *alteration) retypeForeign(i int) error {
	id := a.def.Columns[i].ID
	for _, o := range a.b.schema.List(table.KindTable) {
		child := o.(*table.TableDef)
		if child.ID == a.def.ID {
			child = a.def
		}
		for j := range child.Foreign {
			f := &child.Foreign[j]
			if f.Table != a.def.ID && child != a.def || f.Table == a.def.ID && !slices.Contains(f.RefColumns, id) && child != a.def {
				continue
			}
			parent, _ := a.b.schema.ByID(f.Table).(*table.TableDef)
			if f.Table == a.def.ID {
				parent = a.def
			}
			if parent == nil {
				continue
			}
			if _, cols := parent.RefKey(f.RefColumns); len(cols) == len(f.Columns) {
				if err := checkForeignTypes(child, parent, f, cols); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
