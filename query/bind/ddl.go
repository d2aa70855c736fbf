package bind

import (
	"slices"
	"strings"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// NewTable is a table to be made, and the sequences that come with its columns.
type NewTable struct {
	Def       *table.TableDef
	Sequences []NewSequence
}

// CreateTable makes the definition that CREATE TABLE describes. That the name is free is the storage's to
// check.
func (b *Binder) CreateTable(s *ast.CreateTable) (*NewTable, error) {
	def, err := b.newTable(s.Name, s.Persistence, s.Method, s.Options)
	if err != nil {
		return nil, err
	}
	t := &tableBuilder{b: b, def: def}
	for i := range s.Columns {
		if err := t.column(&s.Columns[i]); err != nil {
			return nil, err
		}
	}
	for i := range s.Columns {
		if err := t.columnKeys(&s.Columns[i]); err != nil {
			return nil, err
		}
	}
	for i := range s.Constraints {
		if err := t.constraint(&s.Constraints[i]); err != nil {
			return nil, err
		}
	}
	if err := t.finish(); err != nil {
		return nil, err
	}
	used := map[string]bool{def.Name: true}
	for i := range def.Keys {
		used[def.Keys[i].Name] = true
	}
	t.nameSequences(used)
	return &NewTable{Def: def, Sequences: t.sequences}, nil
}

// tableColumnsMax is PostgreSQL's limit.
const tableColumnsMax = 1600

func (b *Binder) newTable(
	n ast.RelName, p ast.Persistence, method string, options []ast.Option,
) (*table.TableDef, error) {
	switch {
	case p == ast.Unlogged:
		return nil, sqlerr.Unsupported("unlogged table").At(n.Pos())
	case p == ast.Temporary && (b.opts.Temp == "" || n.Schema != b.opts.Temp):
		return nil, sqlerr.Unsupported("temporary table").At(n.Pos()) // outside of a session
	}
	schema, err := b.CreationSchema(n)
	if err != nil {
		return nil, err
	}
	def := &table.TableDef{Header: table.Header{Kind: table.KindTable, Schema: schema, Name: n.Name}, Method: method}
	if def.Method == "" {
		def.Method = b.opts.DefaultMethod
	}
	return def, tableOptions(def, options)
}

// tableBuilder collects the parts of a table's definition.
type tableBuilder struct {
	b   *Binder
	def *table.TableDef
	// keys and checks in order of appearance; columns of checks' own are for their names.
	keys      []pendingKey
	checks    []pendingCheck
	sequences []NewSequence
	generated []pendingGenerated
	foreign   []*ast.Constraint
}

type pendingKey struct {
	table.Key
	at int
}

type pendingCheck struct {
	table.Check
	// column is the name of the one column that the condition uses, for the constraint's name.
	column string
	expr   ast.Expr
}

func (t *tableBuilder) column(d *ast.ColumnDef) error {
	if len(t.def.Columns) >= tableColumnsMax {
		return sqlerr.Newf(sqlerr.TooManyColumns, "tables can have at most %d columns", tableColumnsMax)
	}
	if t.def.ColumnIndex(d.Name) >= 0 {
		return sqlerr.Newf(sqlerr.DuplicateColumn, "column \"%s\" specified more than once", d.Name)
	}
	if systemColumn(d.Name, 0) != nil {
		return sqlerr.Newf(sqlerr.DuplicateColumn, "column name \"%s\" conflicts with a system column name", d.Name)
	}
	serial, isSerial := serialKinds[d.Type.Name]
	isSerial = isSerial && d.Type.Schema == ""
	typ := types.T(serial)
	if !isSerial {
		var err error
		if typ, err = TypeOf(d.Type); err != nil {
			return err
		}
	} else if d.Type.Array {
		return sqlerr.New(sqlerr.FeatureNotSupported, "array of serial is not implemented").At(d.Type.Pos())
	}
	if d.Collation != "" && !CodePointCollation(d.Collation) {
		return CollationError(d.Collation).At(d.Pos())
	}
	c := table.Column{Name: d.Name, Type: typ}
	if d.Compression != "" {
		var err error
		if c.Compression, err = compressionOf(d.Compression); err != nil {
			return err
		}
	}
	if err := t.columnProperties(&c, d, isSerial); err != nil {
		return err
	}
	if isSerial {
		if err := t.sequence(&c, nil, false); err != nil {
			return err
		}
	}
	t.def.Columns = append(t.def.Columns, c)
	return nil
}

// columnProperties applies NOT NULL, DEFAULT and IDENTITY. A serial column has NOT NULL and a default.
func (t *tableBuilder) columnProperties(c *table.Column, d *ast.ColumnDef, serial bool) error {
	nullable, notNull, hasDefault := false, serial, serial
	for i := range d.Constraints {
		k := &d.Constraints[i]
		switch k.Kind {
		case ast.AllowNull:
			nullable = true
		case ast.NotNull, ast.PrimaryKey:
			notNull = true
		case ast.DefaultValue:
			if hasDefault {
				return sqlerr.Newf(sqlerr.SyntaxError, "multiple default values specified for column \"%s\" of table \"%s\"",
					c.Name, t.def.Name).At(k.Pos())
			}
			hasDefault = true
			var err error
			if c.Default, err = t.b.newDefault(c, k.Expr, k.Text); err != nil {
				return err
			}
		case ast.Generated:
			if c.Generated != "" {
				return sqlerr.Newf(sqlerr.SyntaxError, "multiple generation clauses specified for column \"%s\" of table \"%s\"",
					c.Name, t.def.Name).At(k.Pos())
			}
			c.Generated, c.Virtual = k.Text, !k.Stored
			t.generated = append(t.generated, pendingGenerated{c.Name, k.Expr})
		case ast.Identity:
			if c.Identity != table.NoIdentity {
				return sqlerr.Newf(sqlerr.SyntaxError, "multiple identity specifications for column \"%s\" of table \"%s\"",
					c.Name, t.def.Name).At(k.Pos())
			}
			if c.Identity = table.IdentityByDefault; k.Always {
				c.Identity = table.IdentityAlways
			}
			notNull = true
			if err := t.sequence(c, k.Options, true); err != nil {
				return err
			}
		default:
			continue
		}
		if nullable && notNull {
			return sqlerr.Newf(sqlerr.SyntaxError, "conflicting NULL/NOT NULL declarations for column \"%s\" of table \"%s\"",
				c.Name, t.def.Name).At(k.Pos())
		}
		if what := bothOf(c, hasDefault); what != "" {
			return sqlerr.Newf(sqlerr.SyntaxError, "both %s specified for column \"%s\" of table \"%s\"", what, c.Name, t.def.Name).At(k.Pos())
		}
	}
	c.NotNull = notNull
	return nil
}

// bothOf names two things of which a column can have only one; "" if it has not both.
func bothOf(c *table.Column, hasDefault bool) string {
	switch {
	case c.Identity != table.NoIdentity && hasDefault:
		return "default and identity"
	case c.Generated != "" && hasDefault:
		return "default and generation expression"
	case c.Generated != "" && c.Identity != table.NoIdentity:
		return "identity and generation expression"
	}
	return ""
}

// columnKeys adds the keys and checks written at a column.
func (t *tableBuilder) columnKeys(d *ast.ColumnDef) error {
	for _, k := range d.Constraints {
		switch k.Kind {
		case ast.PrimaryKey, ast.Unique, ast.ForeignKey:
			k.Columns = []ast.InsertColumn{{At: k.At, Name: d.Name}}
			if err := t.constraint(&k); err != nil {
				return err
			}
		case ast.Check:
			if err := t.constraint(&k); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *tableBuilder) constraint(k *ast.Constraint) error {
	switch k.Kind {
	case ast.PrimaryKey, ast.Unique:
		return t.key(k)
	case ast.ForeignKey:
		t.foreign = append(t.foreign, k)
		return nil
	case ast.Check:
		t.checks = append(t.checks, pendingCheck{
			Check: table.Check{Name: k.Name, Expr: k.Text}, column: t.soleColumn(k.Expr), expr: k.Expr,
		})
		return nil
	case ast.NotNull:
		for _, n := range k.Columns {
			i := t.def.ColumnIndex(n.Name)
			if i < 0 {
				return sqlerr.Newf(sqlerr.UndefinedColumn, "column \"%s\" of relation \"%s\" does not exist", n.Name, t.def.Name)
			}
			t.def.Columns[i].NotNull = true
		}
		return nil
	}
	return sqlerr.Unsupported("this constraint of a table").At(k.Pos())
}

func (t *tableBuilder) key(k *ast.Constraint) error {
	primary := k.Kind == ast.PrimaryKey
	what := "unique"
	if primary {
		what = "primary key"
		for _, o := range t.keys {
			if o.Primary {
				return sqlerr.Newf(sqlerr.InvalidTableDefinition, "multiple primary keys for table \"%s\" are not allowed",
					t.def.Name).At(k.Pos())
			}
		}
	}
	p := pendingKey{Key: table.Key{Name: k.Name, Primary: primary}, at: k.Pos()}
	for _, n := range k.Columns {
		i := t.def.ColumnIndex(n.Name)
		if i < 0 {
			return sqlerr.Newf(sqlerr.UndefinedColumn, "column \"%s\" named in key does not exist", n.Name).At(n.Pos())
		}
		if slices.Contains(p.Columns, i) {
			return sqlerr.Newf(sqlerr.DuplicateColumn, "column \"%s\" appears twice in %s constraint", n.Name, what).At(n.Pos())
		}
		p.Columns = append(p.Columns, i)
	}
	t.keys = append(t.keys, p)
	return checkVirtualKey(t.def, &p.Key)
}

// finish names the constraints and binds the checks, now that all columns are known.
func (t *tableBuilder) finish() error {
	if err := t.finishKeys(); err != nil {
		return err
	}
	if err := t.finishGenerated(); err != nil {
		return err
	}
	if err := t.finishChecks(); err != nil {
		return err
	}
	return t.finishForeign()
}

// finishKeys puts the primary key first and leaves out a key that repeats another one.
func (t *tableBuilder) finishKeys() error {
	slices.SortStableFunc(t.keys, func(a, b pendingKey) int {
		switch {
		case a.Primary && !b.Primary:
			return -1
		case b.Primary && !a.Primary:
			return 1
		}
		return 0
	})
	for _, k := range t.keys {
		same := slices.IndexFunc(t.def.Keys, func(o table.Key) bool { return slices.Equal(o.Columns, k.Columns) })
		if same >= 0 {
			if t.def.Keys[same].Name == "" {
				t.def.Keys[same].Name = k.Name
			}
			continue
		}
		t.def.Keys = append(t.def.Keys, k.Key)
		for _, c := range k.Columns {
			t.def.Columns[c].NotNull = t.def.Columns[c].NotNull || k.Primary
		}
	}
	used := map[string]bool{t.def.Name: true}
	for i := range t.def.Keys {
		if n := t.def.Keys[i].Name; n != "" {
			if used[n] || t.relationExists(n) {
				return sqlerr.Newf(sqlerr.DuplicateTable, "relation \"%s\" already exists", n)
			}
			used[n] = true
		}
	}
	for i := range t.def.Keys {
		k := &t.def.Keys[i]
		if k.Name == "" {
			k.Name = t.keyName(k, used)
		}
	}
	return nil
}

func (t *tableBuilder) relationExists(name string) bool {
	return t.b.schema.LookupRelation(t.def.Schema, name) != nil
}

// keyName chooses PostgreSQL's name for a key: t_pkey, t_a_b_key.
func (t *tableBuilder) keyName(k *table.Key, used map[string]bool) string {
	columns, label := "", "pkey"
	if !k.Primary {
		names := make([]string, len(k.Columns))
		for i, c := range k.Columns {
			names[i] = t.def.Columns[c].Name
		}
		columns, label = strings.Join(names, "_"), "key"
	}
	return chooseName(t.def.Name, columns, label, func(n string) bool { return used[n] || t.relationExists(n) }, used)
}

// chooseName makes a name that is not taken, and takes it.
func chooseName(name1, name2, label string, taken func(string) bool, used map[string]bool) string {
	for i := 0; ; i++ {
		l := label
		if i > 0 {
			l += itoa(i)
		}
		if n := objectName(name1, name2, l); !taken(n) {
			used[n] = true
			return n
		}
	}
}

// nameBytesMax is the length of the longest identifier.
const nameBytesMax = 63

// objectName joins two names and a label, shortening the longer name first.
func objectName(name1, name2, label string) string {
	overhead := len(label) + 1
	if name2 != "" {
		overhead++
	}
	n1, n2 := len(name1), len(name2)
	for n1+n2+overhead > nameBytesMax {
		if n1 > n2 {
			n1--
		} else {
			n2--
		}
	}
	out := clip(name1, n1)
	if name2 != "" {
		out += "_" + clip(name2, n2)
	}
	return out + "_" + label
}

// clip cuts s to at most n bytes without splitting a character.
func clip(s string, n int) string {
	for n < len(s) && n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}

func (t *tableBuilder) finishChecks() error {
	used := map[string]bool{}
	for _, k := range t.def.Keys {
		used[k.Name] = true
	}
	for _, c := range t.checks {
		if c.Name == "" {
			continue
		}
		if used[c.Name] {
			return sqlerr.Newf(sqlerr.DuplicateObject, "check constraint \"%s\" already exists", c.Name)
		}
		used[c.Name] = true
	}
	for _, c := range t.checks {
		x := tableExprs(t.def, clauseCheck)
		if _, err := x.condition(c.expr, "CHECK"); err != nil {
			return err
		}
		if c.Name == "" {
			c.Name = chooseName(t.def.Name, c.column, "check", func(n string) bool { return used[n] }, used)
		}
		t.def.Checks = append(t.def.Checks, c.Check)
	}
	// PostgreSQL evaluates checks in the order of their names.
	slices.SortFunc(t.def.Checks, func(a, b table.Check) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// soleColumn returns the one column of the table that a condition names; "" if there are several.
func (t *tableBuilder) soleColumn(e ast.Expr) string {
	found := ""
	several := false
	ast.Walk(e, func(e ast.Expr) {
		if c, ok := e.(*ast.ColumnRef); ok && len(c.Names) > 0 {
			name := c.Names[len(c.Names)-1]
			several = several || found != "" && found != name
			found = name
		}
	})
	if several {
		return ""
	}
	return found
}
