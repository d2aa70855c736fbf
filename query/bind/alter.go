package bind

import (
	"fmt"
	"slices"
	"strings"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/sqlparse"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// Alteration is what ALTER TABLE makes of a table. Whether its rows allow that is the storage's to check.
type Alteration struct {
	Def *table.TableDef
	// Values make the columns of the new rows from those of the old ones (column i of an old row has the ID i).
	Values []expr.Expr
	// Rewrite: the rows change.
	Rewrite bool
	// Sequences come with new columns, whose values are nil until they are there.
	Sequences []NewSequence
	// Changes are of sequences of identity columns, Dropped are those that go.
	Changes []*SequenceChange
	Dropped []table.ObjectID
	// Released are constraints of other tables that go with what they reference; Cascaded names them, and those of the table.
	Released []ForeignUser
	Cascaded []string
	// Skipped are what IF EXISTS and IF NOT EXISTS pass over, for the client to be told.
	Skipped []*sqlerr.Error
}

// AlterTable returns what a table is after the commands.
func (b *Binder) AlterTable(old *table.TableDef, cmds []ast.AlterCommand) (*Alteration, error) {
	out := &Alteration{Def: old.CloneObject().(*table.TableDef)}
	for i := range old.Columns {
		c := &old.Columns[i]
		out.Values = append(out.Values, &expr.Column{Node: expr.Node{Typ: c.Type}, ID: i, Name: c.Name})
	}
	for i := range cmds {
		a := alteration{b: b, old: old, out: out, def: out.Def, c: &cmds[i], before: cmds[:i]}
		if err := a.apply(); err != nil {
			return nil, err
		}
	}
	return out, checkStorage(old, out.Def, cmds)
}

// alteration is one command of ALTER TABLE being applied to def.
type alteration struct {
	b   *Binder
	old *table.TableDef // as it was before the first command
	out *Alteration
	def *table.TableDef
	c   *ast.AlterCommand
	// before are the commands before it.
	before []ast.AlterCommand
}

func (a *alteration) apply() error {
	switch a.c.Kind {
	case ast.AddColumn:
		return a.addColumn()
	case ast.DropColumn:
		return a.dropColumn()
	case ast.AlterType:
		return a.alterType()
	case ast.RenameColumn:
		return a.renameColumn()
	case ast.RenameTable:
		if a.c.NewName == a.def.Name {
			return sqlerr.Newf(sqlerr.DuplicateTable, "relation \"%s\" already exists", a.c.NewName)
		}
		return a.renameTable()
	case ast.SetDefault, ast.DropDefault, ast.SetNotNull, ast.DropNotNull:
		return a.property()
	case ast.DropExpression:
		return a.dropExpression()
	case ast.AddIdentity, ast.SetIdentity, ast.DropIdentity:
		return a.identity()
	case ast.AddConstraint:
		return a.addConstraint()
	case ast.DropConstraint:
		return a.dropConstraint()
	case ast.RenameConstraint:
		return a.renameConstraint()
	case ast.ValidateConstraint:
		return a.validateConstraint()
	case ast.SetOptions:
		return a.setOptions()
	case ast.ResetOptions:
		return a.resetOptions()
	case ast.SetCompression:
		return a.setCompression()
	case ast.SetMethod:
		return a.setMethod()
	}
	return sqlerr.Unsupported("this command of ALTER TABLE").At(a.c.Pos())
}

// skip notes that a command has nothing to do.
func (a *alteration) skip(code sqlerr.Code, format string, args ...any) error {
	a.out.Skipped = append(a.out.Skipped, sqlerr.Newf(code, format+", skipping", args...))
	return nil
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
			return a.skip(sqlerr.DuplicateColumn, "column \"%s\" of relation \"%s\" already exists", a.c.Column.Name, a.def.Name)
		}
		return sqlerr.Newf(sqlerr.DuplicateColumn, "column \"%s\" of relation \"%s\" already exists", a.c.Column.Name, a.def.Name)
	}
	t := &tableBuilder{b: a.b, def: a.def}
	if err := t.column(a.c.Column); err != nil {
		return err
	}
	if err := t.finishGenerated(); err != nil {
		return err
	}
	t.nameSequences(map[string]bool{})
	a.out.Sequences = append(a.out.Sequences, t.sequences...)
	var value expr.Expr
	if len(t.sequences) == 0 {
		var err error
		if value, err = DefaultExpr(a.def, len(a.def.Columns)-1); err != nil {
			return err
		}
	}
	a.out.Values, a.out.Rewrite = append(a.out.Values, value), true
	for _, k := range a.c.Column.Constraints {
		if k.Kind == ast.PrimaryKey || k.Kind == ast.Unique || k.Kind == ast.Check || k.Kind == ast.ForeignKey {
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

// dropColumn takes a column out, and the constraints that use it; the positions in keys follow.
func (a *alteration) dropColumn() error {
	i := a.def.ColumnIndex(a.c.Name)
	if i < 0 && a.c.IfExists {
		return a.skip(sqlerr.SuccessfulCompletion, "column \"%s\" of relation \"%s\" does not exist", a.c.Name, a.def.Name)
	}
	if _, err := a.column(a.c.Name); err != nil {
		return err
	}
	users, err := generatedBy(a.def, a.c.Name)
	if err != nil {
		return err
	}
	if len(users) > 0 && !a.c.Cascade {
		lines := make([]string, len(users))
		for k, u := range users {
			lines[k] = fmt.Sprintf("column %s of table %s depends on column %s of table %s", a.def.Columns[u].Name, a.def.Name, a.c.Name, a.def.Name)
		}
		return sqlerr.Newf(sqlerr.DependentObjectsStillExist, "cannot drop column %s of table %s because other objects depend on it",
			a.c.Name, a.def.Name).WithDetail("%s", strings.Join(lines, "\n")).
			WithHint("Use DROP ... CASCADE to drop the dependent objects too.")
	}
	for _, u := range users {
		a.out.Cascaded = append(a.out.Cascaded, "column "+a.def.Columns[u].Name+" of table "+a.def.Name)
	}
	for k := len(users) - 1; k >= 0; k-- {
		if err := a.removeColumn(users[k]); err != nil {
			return err
		}
	}
	return a.removeColumn(a.def.ColumnIndex(a.c.Name))
}

// removeColumn takes a column out that no generated column uses.
func (a *alteration) removeColumn(i int) error {
	name, id := a.def.Columns[i].Name, a.def.Columns[i].ID
	users := a.foreignUsers(func(f *table.ForeignKey) bool { return id != 0 && slices.Contains(f.RefColumns, id) })
	what := "column " + name + " of table " + a.def.Name
	if err := a.release(users, what, what, func(f *table.ForeignKey) bool { return slices.Contains(f.Columns, i) }); err != nil {
		return err
	}
	a.removeForeign(i)
	a.def.Keys = slices.DeleteFunc(a.def.Keys, func(k table.Key) bool { return slices.Contains(k.Columns, i) })
	for k := range a.def.Keys {
		cols := a.def.Keys[k].Columns
		for j := range cols {
			if cols[j] > i {
				cols[j]--
			}
		}
	}
	var err error
	a.def.Checks = slices.DeleteFunc(a.def.Checks, func(k table.Check) bool {
		uses, bad := textUses(k.Expr, name)
		if err == nil {
			err = bad
		}
		return uses
	})
	a.def.Columns = slices.Delete(a.def.Columns, i, i+1)
	a.out.Values, a.out.Rewrite = slices.Delete(a.out.Values, i, i+1), true
	return err
}

// removeForeign takes out the constraints that use column i, which goes.
func (a *alteration) removeForeign(i int) {
	a.def.Foreign = slices.DeleteFunc(a.def.Foreign, func(f table.ForeignKey) bool { return slices.Contains(f.Columns, i) })
	for k := range a.def.Foreign {
		for _, cols := range [][]int{a.def.Foreign[k].Columns, a.def.Foreign[k].SetColumns} {
			for j := range cols {
				if cols[j] > i {
					cols[j]--
				}
			}
		}
	}
}

// textUses reports whether an expression text names a column.
func textUses(text, column string) (bool, error) {
	names, err := sqlparse.ColumnNames(text)
	return slices.ContainsFunc(names, func(n []string) bool { return n[len(n)-1] == column }), err
}

// alterType changes the type of a column, the values by USING or as an assignment does.
func (a *alteration) alterType() error {
	i, err := a.column(a.c.Name)
	if err != nil {
		return err
	}
	c := &a.def.Columns[i]
	t, err := TypeOf(a.c.Type)
	if err != nil {
		return err
	}
	if users, err := generatedBy(a.def, c.Name); err != nil || len(users) > 0 {
		if err == nil {
			err = sqlerr.New(sqlerr.FeatureNotSupported, "cannot alter type of a column used by a generated column").
				WithDetail("Column \"%s\" is used by generated column \"%s\".", c.Name, a.def.Columns[users[0]].Name)
		}
		return err
	}
	if c.Generated != "" && a.c.Using != nil {
		return sqlerr.Newf(sqlerr.InvalidColumnDefinition, "cannot specify USING when altering type of generated column").
			WithDetail("Column \"%s\" is a generated column.", c.Name)
	}
	v, ok := a.out.Values[i].(*expr.Column)
	if !ok || a.old.Columns[v.ID].Type != c.Type {
		return sqlerr.Newf(sqlerr.FeatureNotSupported, "cannot alter type of column \"%s\" twice", c.Name)
	}
	value := expr.Expr(v)
	if a.c.Using != nil {
		if value, err = tableExprs(a.old, clauseTransform).bind(a.c.Using); err != nil {
			return err
		}
	}
	if from := value.Type().Kind; !expr.CanCoerce(from, t.Kind, expr.Assignment) {
		if a.c.Using != nil {
			return sqlerr.Newf(sqlerr.DatatypeMismatch,
				"result of USING clause for column \"%s\" cannot be cast automatically to type %s", c.Name, t.Kind).
				WithHint("You might need to add an explicit cast.")
		}
		err := sqlerr.Newf(sqlerr.DatatypeMismatch, "column \"%s\" cannot be cast automatically to type %s", c.Name, t.Kind)
		if expr.CanCoerce(from, t.Kind, expr.Explicit) {
			err = err.WithHint("You might need to specify \"USING %s::%s\".", expr.QuoteName(c.Name), t)
		}
		return err
	}
	if value, err = expr.NewAssignment(value, t, c.Name); err != nil {
		return err
	}
	if a.c.Using != nil || !types.CoerceIsIdentity(c.Type, t) {
		a.out.Rewrite = true
	}
	a.out.Rewrite = a.out.Rewrite || c.Type != t
	c.Type, a.out.Values[i] = t, value
	return a.retype(i)
}

// retype checks what depends on the type of column i: its default, and the CHECK constraints.
func (a *alteration) retype(i int) error {
	c := &a.def.Columns[i]
	if c.Default != "" {
		if _, err := DefaultExpr(a.def, i); err != nil {
			return sqlerr.Newf(sqlerr.DatatypeMismatch, "default for column \"%s\" cannot be cast automatically to type %s",
				c.Name, c.Type.Kind)
		}
	}
	for _, k := range a.def.Checks {
		if _, err := CheckExpr(a.def, k.Expr); err != nil {
			return err
		}
	}
	if err := a.retypeForeign(i); err != nil {
		return err
	}
	if c.Generated != "" {
		_, err := GeneratedExpr(a.def, i)
		return err
	}
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
	if systemColumn(a.c.NewName, 0) != nil {
		return sqlerr.Newf(sqlerr.DuplicateColumn, "column name \"%s\" conflicts with a system column name", a.c.NewName)
	}
	a.def.Columns[i].Name = a.c.NewName
	return a.rename(func(names []string) []string {
		names[len(names)-1] = renamed(names[len(names)-1], a.c.Name, a.c.NewName)
		return names
	})
}

func (a *alteration) renameTable() error {
	was := a.def.Name
	a.def.Name = a.c.NewName
	return a.rename(func(names []string) []string {
		if n := len(names); n > 1 {
			names[n-2] = renamed(names[n-2], was, a.c.NewName)
		}
		return names
	})
}

func renamed(name, from, to string) string {
	if name == from {
		return to
	}
	return name
}

// rename changes the names of columns in the texts of CHECK constraints.
func (a *alteration) rename(f func(names []string) []string) error {
	for i := range a.def.Columns {
		c := &a.def.Columns[i]
		if c.Generated == "" {
			continue
		}
		var err error
		if c.Generated, err = sqlparse.RenameColumns(c.Generated, f, expr.QuoteName); err != nil {
			return err
		}
	}
	for i := range a.def.Checks {
		text, err := sqlparse.RenameColumns(a.def.Checks[i].Expr, f, expr.QuoteName)
		if err != nil {
			return err
		}
		a.def.Checks[i].Expr = text
		if _, err := CheckExpr(a.def, text); err != nil {
			return err
		}
	}
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
	case ast.SetDefault, ast.DropDefault:
		if c.Generated != "" {
			err := sqlerr.Newf(sqlerr.SyntaxError, "column \"%s\" of relation \"%s\" is a generated column", c.Name, a.def.Name)
			if a.c.Kind == ast.SetDefault {
				return err.WithHint("Use ALTER TABLE ... ALTER COLUMN ... SET EXPRESSION instead.")
			} else if !c.Virtual {
				return err.WithHint("Use ALTER TABLE ... ALTER COLUMN ... DROP EXPRESSION instead.")
			}
			return err
		}
		if c.Identity != table.NoIdentity {
			err := sqlerr.Newf(sqlerr.SyntaxError, "column \"%s\" of relation \"%s\" is an identity column", c.Name, a.def.Name)
			if a.c.Kind == ast.DropDefault {
				err = err.WithHint("Use ALTER TABLE ... ALTER COLUMN ... DROP IDENTITY instead.")
			}
			return err
		}
		c.Default = ""
		if a.c.Kind == ast.SetDefault {
			if c.Default, err = a.b.newDefault(c, a.c.Expr, a.c.Text); err != nil {
				return err
			}
		}
	case ast.SetNotNull:
		c.NotNull = true
	case ast.DropNotNull:
		if slices.Contains(a.def.PrimaryKey(), i) {
			return sqlerr.Newf(sqlerr.InvalidTableDefinition, "column \"%s\" is in a primary key", c.Name)
		}
		if c.Identity != table.NoIdentity {
			return sqlerr.Newf(sqlerr.SyntaxError, "column \"%s\" of relation \"%s\" is an identity column", c.Name, a.def.Name)
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
	if k.Kind == ast.ForeignKey {
		return a.addForeign(k)
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
	a.out.Rewrite = true
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
	for _, f := range a.def.Foreign {
		used[f.Name] = true
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

func (a *alteration) hasConstraint(name string) bool { return hasConstraint(a.def, name) }

func (a *alteration) dropConstraint() error {
	if !a.hasConstraint(a.c.Name) {
		if a.c.IfExists {
			return a.skip(sqlerr.SuccessfulCompletion, "constraint \"%s\" of relation \"%s\" does not exist", a.c.Name, a.def.Name)
		}
		return a.noConstraint()
	}
	if err := a.releaseKey(); err != nil {
		return err
	}
	a.out.Rewrite = a.out.Rewrite || slices.ContainsFunc(a.def.Keys, func(k table.Key) bool { return k.Name == a.c.Name })
	a.def.Keys = slices.DeleteFunc(a.def.Keys, func(k table.Key) bool { return k.Name == a.c.Name })
	a.def.Checks = slices.DeleteFunc(a.def.Checks, func(k table.Check) bool { return k.Name == a.c.Name })
	a.def.Foreign = slices.DeleteFunc(a.def.Foreign, func(f table.ForeignKey) bool { return f.Name == a.c.Name })
	return nil
}

// releaseKey sees to it that no FOREIGN KEY needs the key that is dropped, if it is one.
func (a *alteration) releaseKey() error {
	at := slices.IndexFunc(a.def.Keys, func(k table.Key) bool { return k.Name == a.c.Name })
	if at < 0 {
		return nil
	}
	users := a.foreignUsers(func(f *table.ForeignKey) bool {
		k, _ := a.def.RefKey(f.RefColumns)
		return k == at
	})
	return a.release(users, "constraint "+a.c.Name+" on table "+a.def.Name, "index "+a.c.Name, nil)
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
	for i := range a.def.Foreign {
		if a.def.Foreign[i].Name == a.c.Name {
			a.def.Foreign[i].Name = a.c.NewName
		}
	}
	return nil
}
