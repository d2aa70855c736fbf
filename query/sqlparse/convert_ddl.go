package sqlparse

import (
	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/sqlerr"
)

// ddlStmt converts a statement that defines objects; nil if it is none of them.
func (c *converter) ddlStmt(n *pgNode) ast.Stmt {
	switch s := n.GetNode().(type) {
	case *nodeCreateStmt:
		return c.createTable(s.CreateStmt)
	case *nodeCreateSeqStmt:
		return c.createSequence(s.CreateSeqStmt)
	case *nodeAlterSeqStmt:
		return c.alterSequence(s.AlterSeqStmt)
	case *nodeCreateTableAsStmt:
		return c.createTableAs(s.CreateTableAsStmt)
	case *nodeDropStmt:
		return c.drop(s.DropStmt)
	case *nodeCreateSchemaStmt:
		d := s.CreateSchemaStmt
		c.refuse(d.GetAuthrole() != nil, "CREATE SCHEMA AUTHORIZATION")
		c.refuse(len(d.GetSchemaElts()) > 0, "CREATE SCHEMA with elements")
		return &ast.CreateSchema{Name: d.GetSchemaname(), IfNotExists: d.GetIfNotExists()}
	case *nodeViewStmt:
		return c.createView(s.ViewStmt)
	case *nodeIndexStmt:
		return c.createIndex(s.IndexStmt)
	case *nodeAlterTableStmt:
		return c.alterTable(s.AlterTableStmt)
	case *nodeRenameStmt:
		return c.rename(s.RenameStmt)
	case *nodeAlterObjectSchemaStmt:
		return c.setSchema(s.AlterObjectSchemaStmt)
	}
	return nil
}

func (c *converter) persistence(r *pgRangeVar) ast.Persistence {
	switch r.GetRelpersistence() {
	case "t":
		return ast.Temporary
	case "u":
		return ast.Unlogged
	}
	return ast.Permanent
}

// onCommit accepts what temporary tables do anyway.
func (c *converter) onCommit(a pgOnCommit, r *pgRangeVar) {
	c.refuse(a > oncommitPreserve, "ON COMMIT")
	if a == oncommitPreserve && c.persistence(r) != ast.Temporary {
		c.fail(sqlerr.New(sqlerr.InvalidTableDefinition, "ON COMMIT can only be used on temporary tables"))
	}
}

func (c *converter) createTable(s *pgCreateStmt) ast.Stmt {
	out := &ast.CreateTable{
		Name: c.plainName(s.GetRelation()), Persistence: c.persistence(s.GetRelation()),
		IfNotExists: s.GetIfNotExists(), Method: s.GetAccessMethod(), Options: c.options(s.GetOptions()),
	}
	c.refuse(len(s.GetInhRelations()) > 0 && s.GetPartbound() == nil, "INHERITS")
	c.refuse(s.GetPartbound() != nil, "PARTITION OF")
	c.refuse(s.GetPartspec() != nil, "PARTITION BY")
	c.refuse(s.GetOfTypename() != nil, "CREATE TABLE OF")
	c.onCommit(s.GetOncommit(), s.GetRelation())
	c.refuse(s.GetTablespacename() != "", "TABLESPACE")
	c.refuse(len(s.GetConstraints()) > 0 || len(s.GetNnconstraints()) > 0, "constraint list")
	for _, n := range s.GetTableElts() {
		switch e := n.GetNode().(type) {
		case *nodeColumnDef:
			out.Columns = append(out.Columns, c.columnDef(e.ColumnDef))
		case *nodeConstraint:
			out.Constraints = append(out.Constraints, c.constraint(e.Constraint, nil))
		default:
			c.unsupported(grammarNode(n), 0)
		}
	}
	return out
}

func (c *converter) columnDef(d *pgColumnDef) ast.ColumnDef {
	out := ast.ColumnDef{At: c.at(d.GetLocation()), Name: d.GetColname(), Type: c.typeName(d.GetTypeName()), Compression: d.GetCompression()}
	c.refuse(d.GetStorage() != "" || d.GetStorageName() != "", "STORAGE of a column")
	c.refuse(d.GetIdentity() != "" || d.GetGenerated() != "", "GENERATED")
	c.refuse(len(d.GetFdwoptions()) > 0, "OPTIONS of a column")
	c.refuse(d.GetRawDefault() != nil || d.GetIsNotNull(), "column property")
	starts := map[int32]bool{}
	if k := d.GetCollClause(); k != nil {
		out.Collation = c.nameOf(k.GetCollname()).Name
		starts[k.GetLocation()] = true
	}
	for _, n := range d.GetConstraints() {
		starts[n.GetConstraint().GetLocation()] = true
	}
	var last *ast.Constraint
	var said deferral
	for _, n := range d.GetConstraints() {
		if c.attribute(n.GetConstraint(), last, &said) {
			continue
		}
		out.Constraints = append(out.Constraints, c.constraint(n.GetConstraint(), starts))
		last, said = &out.Constraints[len(out.Constraints)-1], deferral{}
	}
	return out
}

var constraintKinds = map[int32]ast.ConstraintKind{
	int32(constrNull): ast.AllowNull, int32(constrNotnull): ast.NotNull, int32(constrDefault): ast.DefaultValue,
	int32(constrCheck): ast.Check, int32(constrPrimary): ast.PrimaryKey, int32(constrUnique): ast.Unique,
	int32(constrIdentity): ast.Identity, int32(constrGenerated): ast.Generated, int32(constrForeign): ast.ForeignKey,
}

var refusedConstraints = map[int32]string{
	int32(constrExclusion): "EXCLUDE constraint", int32(constrAttrNotEnforced): "NOT ENFORCED constraint",
	int32(constrAttrEnforced): "ENFORCED",
}

// constraint converts a constraint of a column, where starts are the places where its siblings begin, or
// of a table (starts is nil).
func (c *converter) constraint(k *pgConstraint, starts map[int32]bool) ast.Constraint {
	out := ast.Constraint{At: c.at(k.GetLocation()), Name: k.GetConname()}
	kind, ok := constraintKinds[int32(k.GetContype())]
	if !ok {
		name := refusedConstraints[int32(k.GetContype())]
		if name == "" {
			name = "constraint"
		}
		c.unsupported(name, out.At)
		return out
	}
	out.Kind = kind
	c.refuseConstraintParts(k, out.At)
	if kind == ast.ForeignKey {
		c.foreign(k, &out)
		return out
	}
	for _, name := range c.strings(k.GetKeys()) {
		out.Columns = append(out.Columns, ast.InsertColumn{At: out.At, Name: name})
	}
	if kind == ast.Identity || kind == ast.Generated {
		out.Always, out.Stored, out.Options = k.GetGeneratedWhen() == "a", k.GetGeneratedKind() == "s", c.options(k.GetOptions())
	}
	if k.GetRawExpr() != nil {
		out.Expr = c.expr(k.GetRawExpr())
		if kind == ast.DefaultValue {
			out.Text = c.defaultText(int(k.GetLocation()), starts)
		} else if kind == ast.Generated {
			out.Text = c.generatedText(int(k.GetLocation()))
		} else {
			out.Text = c.checkText(int(k.GetLocation()))
		}
		c.checkSourceText(out.Text)
	}
	return out
}

func (c *converter) refuseConstraintParts(k *pgConstraint, at ast.At) {
	foreign := int32(k.GetContype()) == int32(constrForeign)
	for _, p := range []struct {
		written bool
		what    string
	}{
		{k.GetDeferrable() && !foreign, "DEFERRABLE constraint"},
		{k.GetInitdeferred() && !foreign, "INITIALLY DEFERRED constraint"},
		{k.GetSkipValidation() && !foreign, "NOT VALID constraint"},
		{k.GetIsNoInherit(), "NO INHERIT constraint"},
		{k.GetNullsNotDistinct(), "NULLS NOT DISTINCT"},
		{k.GetWithoutOverlaps(), "WITHOUT OVERLAPS"},
		{len(k.GetIncluding()) > 0, "INCLUDE"},
		{len(k.GetOptions()) > 0 && int32(k.GetContype()) != int32(constrIdentity), "WITH options of a constraint"},
		{k.GetIndexname() != "", "USING INDEX"},
		{k.GetIndexspace() != "", "USING INDEX TABLESPACE"},
		{k.GetWhereClause() != nil, "WHERE of a constraint"},
		{k.GetAccessMethod() != "", "USING of a constraint"},
		{(k.GetGeneratedWhen() != "" || k.GetGeneratedKind() != "") && int32(k.GetContype()) != int32(constrIdentity) &&
			int32(k.GetContype()) != int32(constrGenerated), "GENERATED"},
	} {
		if p.written {
			c.unsupported(p.what, at)
		}
	}
}

func (c *converter) intoClause(i *pgIntoClause) *ast.CreateTableAs {
	c.onCommit(i.GetOnCommit(), i.GetRel())
	c.refuse(i.GetTableSpaceName() != "", "TABLESPACE")
	return &ast.CreateTableAs{
		Name: c.plainName(i.GetRel()), Persistence: c.persistence(i.GetRel()), Columns: c.strings(i.GetColNames()),
		Method: i.GetAccessMethod(), Options: c.options(i.GetOptions()), NoData: i.GetSkipData(),
	}
}

func (c *converter) createTableAs(s *pgCreateTableAsStmt) ast.Stmt {
	if s.GetObjtype() != objectTable {
		c.unsupported("CREATE MATERIALIZED VIEW", 0)
		return nil
	}
	out := c.intoClause(s.GetInto())
	out.IfNotExists = s.GetIfNotExists()
	out.Query = c.stmt(s.GetQuery())
	return out
}

var objectKinds = map[int32]ast.ObjectKind{
	int32(objectTable): ast.TableObject, int32(objectView): ast.ViewObject, int32(objectIndex): ast.IndexObject,
	int32(objectSchema): ast.SchemaObject, int32(objectSequence): ast.SequenceObject,
	int32(objectMatview): ast.MaterializedViewObject,
}

func (c *converter) drop(s *pgDropStmt) ast.Stmt {
	kind, ok := objectKinds[int32(s.GetRemoveType())]
	if !ok {
		c.unsupported(c.commandName(), 0)
		return nil
	}
	c.refuse(s.GetConcurrent(), "DROP INDEX CONCURRENTLY")
	out := &ast.Drop{Kind: kind, IfExists: s.GetMissingOk(), Cascade: s.GetBehavior() == dropCascade}
	for _, n := range s.GetObjects() {
		if l, ok := n.GetNode().(*nodeList); ok {
			out.Names = append(out.Names, c.nameOf(l.List.GetItems()))
		} else {
			out.Names = append(out.Names, c.nameOf([]*pgNode{n}))
		}
	}
	return out
}

func (c *converter) createView(s *pgViewStmt) ast.Stmt {
	c.refuse(s.GetWithCheckOption() > noCheckOption, "WITH CHECK OPTION")
	out := &ast.CreateView{
		Name: c.plainName(s.GetView()), Persistence: c.persistence(s.GetView()), Columns: c.strings(s.GetAliases()), Replace: s.GetReplace(),
		Options: c.options(s.GetOptions()), Query: c.subselect(s.GetQuery()), Text: c.textAfterAs("view"),
	}
	c.checkSourceText(out.Text)
	return out
}

func (c *converter) createIndex(s *pgIndexStmt) ast.Stmt {
	c.refuse(len(s.GetIndexIncludingParams()) > 0, "INCLUDE")
	c.refuse(s.GetWhereClause() != nil, "partial index")
	c.refuse(s.GetTableSpace() != "", "TABLESPACE")
	c.refuse(s.GetNullsNotDistinct(), "NULLS NOT DISTINCT")
	c.refuse(s.GetConcurrent(), "CREATE INDEX CONCURRENTLY")
	out := &ast.CreateIndex{
		Name: s.GetIdxname(), Table: c.plainName(s.GetRelation()), Method: s.GetAccessMethod(), Unique: s.GetUnique(),
		IfNotExists: s.GetIfNotExists(), Options: c.options(s.GetOptions()),
	}
	for _, n := range s.GetIndexParams() {
		e := n.GetIndexElem()
		c.refuse(e.GetExpr() != nil, "expression index")
		c.refuse(len(e.GetCollation()) > 0, "COLLATE of an index column")
		c.refuse(len(e.GetOpclass()) > 0 || len(e.GetOpclassopts()) > 0, "operator class")
		item := ast.SortItem{Expr: &ast.ColumnRef{Names: []string{e.GetName()}}, Desc: e.GetOrdering() == sortbyDesc}
		switch e.GetNullsOrdering() {
		case sortbyNullsFirst:
			item.Nulls = ast.NullsFirst
		case sortbyNullsLast:
			item.Nulls = ast.NullsLast
		}
		out.Columns = append(out.Columns, item)
	}
	return out
}

func (c *converter) alterTable(s *pgAlterTableStmt) ast.Stmt {
	kind, ok := objectKinds[int32(s.GetObjtype())]
	if !ok {
		c.unsupported(c.commandName(), 0)
		return nil
	}
	out := &ast.AlterTable{Kind: kind, Name: c.plainName(s.GetRelation()), IfExists: s.GetMissingOk()}
	defaults := 0
	for _, n := range s.GetCmds() {
		out.Commands = append(out.Commands, c.alterCommand(n.GetAlterTableCmd(), &defaults))
	}
	return out
}

var alterKinds = map[int32]ast.AlterKind{
	int32(atAddColumn): ast.AddColumn, int32(atColumnDefault): ast.SetDefault, int32(atDropNotNull): ast.DropNotNull,
	int32(atSetNotNull): ast.SetNotNull, int32(atDropColumn): ast.DropColumn, int32(atAddConstraint): ast.AddConstraint,
	int32(atDropConstraint): ast.DropConstraint, int32(atAlterColumnType): ast.AlterType,
	int32(atSetAccessMethod): ast.SetMethod, int32(atSetCompression): ast.SetCompression, int32(atSetRelOptions): ast.SetOptions,
	int32(atResetRelOptions): ast.ResetOptions, int32(atAddIdentity): ast.AddIdentity,
	int32(atSetIdentity): ast.SetIdentity, int32(atDropIdentity): ast.DropIdentity, int32(atDropExpression): ast.DropExpression,
	int32(atValidateConstraint): ast.ValidateConstraint,
}

// alterCommand converts a command; defaults counts the SET DEFAULT so far, to find their source.
func (c *converter) alterCommand(a *pgAlterTableCmd, defaults *int) ast.AlterCommand {
	kind, ok := alterKinds[int32(a.GetSubtype())]
	if !ok {
		c.unsupported("ALTER TABLE "+grammarAlter(a), 0)
		return ast.AlterCommand{}
	}
	out := ast.AlterCommand{
		Kind: kind, Name: a.GetName(), IfExists: a.GetMissingOk(), Cascade: a.GetBehavior() == dropCascade,
	}
	c.refuse(a.GetNewowner() != nil || a.GetNum() != 0, "ALTER TABLE option")
	switch d := a.GetDef().GetNode().(type) {
	case nil:
		if kind == ast.SetDefault {
			out.Kind = ast.DropDefault
		} else if kind == ast.SetMethod {
			out.Name, out.NewName = "", a.GetName()
		}
		return out
	case *nodeString:
		if kind == ast.SetCompression {
			out.NewName = d.String_.GetSval()
			return out
		}
	case *nodeColumnDef:
		c.alterColumn(&out, d.ColumnDef)
		return out
	case *nodeConstraint:
		k := c.constraint(d.Constraint, nil)
		out.Constraint = &k
		return out
	case *nodeList:
		out.Options = c.options(d.List.GetItems())
		return out
	}
	if kind != ast.SetDefault {
		c.unsupported("ALTER TABLE argument", 0)
		return out
	}
	out.Expr = c.expr(a.GetDef())
	*defaults++
	out.Text = c.setDefaultText(*defaults)
	c.checkSourceText(out.Text)
	return out
}

// alterColumn converts the column of ADD COLUMN, or the type and USING of ALTER COLUMN TYPE.
func (c *converter) alterColumn(out *ast.AlterCommand, d *pgColumnDef) {
	if out.Kind == ast.AddColumn {
		def := c.columnDef(d)
		out.Column = &def
		return
	}
	out.Type = c.typeName(d.GetTypeName())
	c.refuse(d.GetCollClause() != nil, "COLLATE in ALTER TABLE")
	out.Using = c.exprOrNil(d.GetRawDefault())
}

func (c *converter) rename(s *pgRenameStmt) ast.Stmt {
	cmd := ast.AlterCommand{Name: s.GetSubname(), NewName: s.GetNewname(), Cascade: s.GetBehavior() == dropCascade}
	kind, ok := objectKinds[int32(s.GetRenameType())]
	switch {
	case s.GetRenameType() == objectColumn:
		cmd.Kind = ast.RenameColumn
		kind, ok = objectKinds[int32(s.GetRelationType())]
	case s.GetRenameType() == objectTabconstraint:
		cmd.Kind = ast.RenameConstraint
		kind, ok = ast.TableObject, true
	default:
		cmd.Kind = ast.RenameTable
	}
	if !ok || s.GetRelation() == nil && kind != ast.SchemaObject || s.GetObject() != nil {
		c.unsupported(c.commandName()+" RENAME", 0)
		return nil
	}
	out := &ast.AlterTable{Kind: kind, IfExists: s.GetMissingOk(), Commands: []ast.AlterCommand{cmd}}
	if kind == ast.SchemaObject {
		out.Name = ast.RelName{Name: s.GetSubname()}
		out.Commands[0].Name = ""
		return out
	}
	out.Name = c.plainName(s.GetRelation())
	return out
}

func (c *converter) setSchema(s *pgAlterObjectSchemaStmt) ast.Stmt {
	kind, ok := objectKinds[int32(s.GetObjectType())]
	if !ok || s.GetRelation() == nil || s.GetObject() != nil {
		c.unsupported(c.commandName()+" SET SCHEMA", 0)
		return nil
	}
	return &ast.AlterTable{
		Kind: kind, Name: c.plainName(s.GetRelation()), IfExists: s.GetMissingOk(),
		Commands: []ast.AlterCommand{{Kind: ast.SetSchema, NewName: s.GetNewschema()}},
	}
}

// checkSourceText fails if the source of an expression or query could not be found in the statement.
func (c *converter) checkSourceText(text string) {
	if text == "" {
		c.fail(sqlerr.New(sqlerr.InternalError, "source text of an expression not found"))
	}
}
