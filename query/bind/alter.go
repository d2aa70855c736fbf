package bind

import (
	"slices"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// AlterTable returns the definition that a table has after the commands. Whether its rows allow that is the storage's to
// check.
func (b *Binder) AlterTable(old *table.TableDef, cmds []ast.AlterCommand) (*table.TableDef, error) {
	def := old.CloneObject().(*table.TableDef)
	for i := range cmds {
		a := alteration{b: b, def: def, c: &cmds[i]}
		if err := a.apply(); err != nil {
			return nil, err
		}
	}
	return def, nil
}

// alteration is one command of ALTER TABLE being applied to def.
type alteration struct {
	b   *Binder
	def *table.TableDef
	c   *ast.AlterCommand
}

func (a *alteration) apply() error {
	switch a.c.Kind {
	case ast.AddColumn:
		return a.addColumn()
	case ast.DropColumn:
		return a.dropColumn()
	case ast.RenameColumn:
		return a.renameColumn()
	case ast.RenameTable:
		if a.c.NewName == a.def.Name {
			return sqlerr.Newf(sqlerr.DuplicateTable, "relation \"%s\" already exists", a.c.NewName)
		}
		a.def.Name = a.c.NewName
		return nil
	case ast.SetDefault, ast.DropDefault, ast.SetNotNull, ast.DropNotNull:
		return a.property()
	case ast.AddConstraint:
		return a.addConstraint()
	case ast.DropConstraint:
		return a.dropConstraint()
	case ast.RenameConstraint:
		return a.renameConstraint()
	}
	return sqlerr.Unsupported("this command of ALTER TABLE").At(a.c.Pos())
}

func (a *alteration) column(name string) (int, error) {
	i := a.def.ColumnIndex(name)
	if i < 0 {
		return 0, sqlerr.Newf(sqlerr.UndefinedColumn, "column \"%s\" of relation \"%s\" does not exist", name, a.def.Name)
	}
	return i, nil
}

func (a *alteration) addColumn() error {
	if a.def.ColumnIndex(a.c.Column.Name) >= 0 {
		if a.c.IfExists {
			return nil
		}
		return sqlerr.Newf(sqlerr.DuplicateColumn, "column \"%s\" of relation \"%s\" already exists", a.c.Column.Name, a.def.Name)
	}
	t := &tableBuilder{b: a.b, def: a.def}
	if err := t.column(a.c.Column); err != nil {
		return err
	}
	for _, k := range a.c.Column.Constraints {
		if k.Kind == ast.PrimaryKey || k.Kind == ast.Unique || k.Kind == ast.Check {
			if k.Kind != ast.Check {
				k.Columns = []ast.InsertColumn{{At: k.At, Name: a.c.Column.Name}}
			}
			if err := a.constraint(&k); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropColumn takes a column out that no constraint uses; the positions in keys follow.
func (a *alteration) dropColumn() error {
	i := a.def.ColumnIndex(a.c.Name)
	if i < 0 && a.c.IfExists {
		return nil
	}
	if _, err := a.column(a.c.Name); err != nil {
		return err
	}
	if len(a.def.Checks) > 0 {
		return sqlerr.Unsupported("DROP COLUMN of a table with CHECK constraints").At(a.c.Pos())
	}
	for k := range a.def.Keys {
		cols := a.def.Keys[k].Columns
		if slices.Contains(cols, i) {
			return sqlerr.Unsupported("DROP COLUMN of a column of a key").At(a.c.Pos())
		}
		for j := range cols {
			if cols[j] > i {
				cols[j]--
			}
		}
	}
	a.def.Columns = slices.Delete(a.def.Columns, i, i+1)
	return nil
}

func (a *alteration) renameColumn() error {
	i := a.def.ColumnIndex(a.c.Name)
	if i < 0 {
		return sqlerr.Newf(sqlerr.UndefinedColumn, "column \"%s\" does not exist", a.c.Name)
	}
	if a.def.ColumnIndex(a.c.NewName) >= 0 {
		return sqlerr.Newf(sqlerr.DuplicateColumn, "column \"%s\" of relation \"%s\" already exists", a.c.NewName, a.def.Name)
	}
	if len(a.def.Checks) > 0 { // their texts name columns
		return sqlerr.Unsupported("RENAME COLUMN of a table with CHECK constraints").At(a.c.Pos())
	}
	a.def.Columns[i].Name = a.c.NewName
	return nil
}

// property changes the default or NOT NULL of a column.
func (a *alteration) property() error {
	i, err := a.column(a.c.Name)
	if err != nil {
		return err
	}
	c := &a.def.Columns[i]
	switch a.c.Kind {
	case ast.SetDefault:
		if _, err := defaultValue(c, a.c.Expr); err != nil {
			return err
		}
		c.Default = a.c.Text
	case ast.DropDefault:
		c.Default = ""
	case ast.SetNotNull:
		c.NotNull = true
	case ast.DropNotNull:
		if slices.Contains(a.def.PrimaryKey(), i) {
			return sqlerr.Newf(sqlerr.InvalidTableDefinition, "column \"%s\" is in a primary key", c.Name)
		}
		c.NotNull = false
	}
	return nil
}

func (a *alteration) addConstraint() error { return a.constraint(a.c.Constraint) }

// constraint adds a key or check.
func (a *alteration) constraint(k *ast.Constraint) error {
	t := &tableBuilder{b: a.b, def: a.def}
	if k.Name != "" && a.hasConstraint(k.Name) {
		return sqlerr.Newf(sqlerr.DuplicateObject, "constraint \"%s\" for relation \"%s\" already exists", k.Name, a.def.Name)
	}
	if k.Kind != ast.PrimaryKey && k.Kind != ast.Unique {
		if err := t.constraint(k); err != nil {
			return err
		}
		if len(t.checks) == 0 {
			return nil // NOT NULL, which is a property of the columns
		}
		return a.finishCheck(t)
	}
	for _, o := range a.def.Keys {
		t.keys = append(t.keys, pendingKey{Key: o})
	}
	if err := t.key(k); err != nil {
		return err
	}
	key := t.keys[len(t.keys)-1].Key
	used := map[string]bool{a.def.Name: true}
	for _, o := range a.def.Keys {
		used[o.Name] = true
	}
	if key.Name == "" {
		key.Name = t.keyName(&key, used)
	}
	for _, c := range key.Columns {
		a.def.Columns[c].NotNull = a.def.Columns[c].NotNull || key.Primary
	}
	if key.Primary { // it is always the first
		a.def.Keys = slices.Insert(a.def.Keys, 0, key)
	} else {
		a.def.Keys = append(a.def.Keys, key)
	}
	return nil
}

// finishCheck binds and names t's one check.
func (a *alteration) finishCheck(t *tableBuilder) error {
	c, used := t.checks[0], map[string]bool{}
	for _, k := range a.def.Keys {
		used[k.Name] = true
	}
	for _, k := range a.def.Checks {
		used[k.Name] = true
	}
	if _, err := tableExprs(a.def, clauseCheck).condition(c.expr, "CHECK"); err != nil {
		return err
	}
	if c.Name == "" {
		c.Name = chooseName(a.def.Name, c.column, "check", func(n string) bool { return used[n] }, used)
	}
	a.def.Checks = append(a.def.Checks, c.Check)
	return nil
}

func (a *alteration) hasConstraint(name string) bool {
	return slices.ContainsFunc(a.def.Keys, func(k table.Key) bool { return k.Name == name }) ||
		slices.ContainsFunc(a.def.Checks, func(k table.Check) bool { return k.Name == name })
}

func (a *alteration) dropConstraint() error {
	if !a.hasConstraint(a.c.Name) {
		if a.c.IfExists {
			return nil
		}
		return a.noConstraint()
	}
	a.def.Keys = slices.DeleteFunc(a.def.Keys, func(k table.Key) bool { return k.Name == a.c.Name })
	a.def.Checks = slices.DeleteFunc(a.def.Checks, func(k table.Check) bool { return k.Name == a.c.Name })
	return nil
}

func (a *alteration) noConstraint() error {
	return sqlerr.Newf(sqlerr.UndefinedObject, "constraint \"%s\" of relation \"%s\" does not exist", a.c.Name, a.def.Name)
}

func (a *alteration) renameConstraint() error {
	if !a.hasConstraint(a.c.Name) {
		return a.noConstraint()
	}
	if a.hasConstraint(a.c.NewName) {
		return sqlerr.Newf(sqlerr.DuplicateObject, "constraint \"%s\" for relation \"%s\" already exists", a.c.NewName, a.def.Name)
	}
	for i := range a.def.Keys {
		if a.def.Keys[i].Name == a.c.Name {
			a.def.Keys[i].Name = a.c.NewName
		}
	}
	for i := range a.def.Checks {
		if a.def.Checks[i].Name == a.c.Name {
			a.def.Checks[i].Name = a.c.NewName
		}
	}
	return nil
}
