package query

import (
	"context"
	"slices"
	"strings"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/bind"
	"github.com/laminadb/lamina/query/exec"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// runDDL runs statements that change schema objects.
func (s *Session) runDDL(ctx context.Context, st *ast.Statement) (*Result, error) {
	tx, err := s.storageTx(ctx)
	if err != nil {
		return nil, err
	}
	if s.tx.o.ReadOnly {
		return nil, sqlerr.Newf(sqlerr.ReadOnlySQLTransaction, "cannot execute %s in a read-only transaction", ddlVerb(st.Body))
	}
	s.tx.queries++
	r := &Result{s: s, verb: ddlVerb(st.Body)}
	switch b := st.Body.(type) {
	case *ast.CreateTable:
		err = s.createTable(ctx, tx, b)
	case *ast.CreateTableAs:
		return s.createTableAs(ctx, tx, b)
	case *ast.CreateSchema:
		err = s.createSchema(ctx, tx, b)
	case *ast.CreateView:
		err = s.createView(ctx, tx, b)
	case *ast.CreateSequence:
		err = s.createSequence(ctx, tx, b)
	case *ast.AlterSequence:
		err = s.alterSequence(ctx, tx, b)
	case *ast.AlterTable:
		err = s.alterTable(ctx, tx, b)
	case *ast.AlterDatabase:
		err = s.alterDatabase(ctx, tx, b)
	case *ast.Drop:
		err = s.drop(ctx, tx, b)
	default:
		return nil, sqlerr.Unsupported(ddlVerb(st.Body))
	}
	return r, err
}

// ddlVerb is the command tag of a statement, or the words that name it in an error.
func ddlVerb(b ast.Stmt) string {
	switch b := b.(type) {
	case *ast.CreateTable:
		return "CREATE TABLE"
	case *ast.CreateTableAs:
		return "CREATE TABLE AS"
	case *ast.CreateSchema:
		return "CREATE SCHEMA"
	case *ast.CreateView:
		return "CREATE VIEW"
	case *ast.CreateIndex:
		return "CREATE INDEX"
	case *ast.CreateSequence:
		return "CREATE SEQUENCE"
	case *ast.AlterSequence:
		return "ALTER SEQUENCE"
	case *ast.AlterTable:
		return "ALTER " + b.Kind.String()
	case *ast.AlterDatabase:
		return "ALTER DATABASE"
	case *ast.Drop:
		return "DROP " + b.Kind.String()
	case *ast.DeclareCursor:
		return "DECLARE CURSOR"
	case *ast.Fetch:
		return "FETCH"
	case *ast.CloseCursor:
		return "CLOSE CURSOR"
	case *ast.Listen:
		return "LISTEN"
	case *ast.Unlisten:
		return "UNLISTEN"
	case *ast.Notify:
		return "NOTIFY"
	}
	return "this statement"
}

func (s *Session) createTable(ctx context.Context, tx table.Tx, b *ast.CreateTable) error {
	if b.Persistence == ast.Unlogged {
		return sqlerr.Unsupported("CREATE UNLOGGED TABLE").WithHint("Use CREATE TABLE … USING memory.")
	}
	name, err := s.temporaryName(ctx, tx, b.Persistence, b.Name)
	if err != nil {
		return err
	}
	if name != b.Name {
		c := *b
		c.Name, c.Method = name, temporaryMethod(b.Method)
		b = &c
	}
	def, err := s.binder(ctx, tx).CreateTable(b)
	if err != nil {
		return err
	}
	if b.IfNotExists && tx.Schema().LookupRelation(def.Def.Schema, def.Def.Name) != nil {
		s.skipped("relation", def.Def.Name, "already exists", sqlerr.DuplicateTable)
		return nil
	}
	if err := s.createSequences(ctx, tx, def.Def, def.Sequences); err != nil {
		return err
	}
	id, err := tx.Schema().Create(ctx, def.Def)
	if err != nil {
		return err
	}
	return s.ownSequences(ctx, tx, id, def.Sequences)
}

// skipped sends the notice of IF EXISTS and IF NOT EXISTS.
func (s *Session) skipped(what, name, why string, code sqlerr.Code) {
	s.notice(Notice{Severity: "NOTICE", Err: sqlerr.Newf(code, "%s %q %s, skipping", what, name, why)})
}

func (s *Session) createSchema(ctx context.Context, tx table.Tx, b *ast.CreateSchema) error {
	if b.IfNotExists && tx.Schema().Lookup(table.KindSchema, 0, b.Name) != nil {
		s.skipped("schema", b.Name, "already exists", sqlerr.DuplicateSchema)
		return nil
	}
	if strings.HasPrefix(b.Name, "pg_") {
		return sqlerr.Newf(sqlerr.ReservedName, "unacceptable schema name %q", b.Name).
			WithDetail(`The prefix "pg_" is reserved for system schemas.`)
	}
	_, err := tx.Schema().Create(ctx, &table.SchemaDef{Header: table.Header{Kind: table.KindSchema, Name: b.Name}})
	return err
}

func (s *Session) createView(ctx context.Context, tx table.Tx, b *ast.CreateView) error {
	name, err := s.temporaryName(ctx, tx, b.Persistence, b.Name)
	if err != nil {
		return err
	}
	if name != b.Name {
		c := *b
		c.Name = name
		b = &c
	}
	var def *table.ViewDef
	err = s.bound(ctx, true, func(binder *bind.Binder) (err error) {
		def, err = binder.CreateView(b)
		return err
	})
	if err != nil {
		return err
	}
	if o := tx.Schema().ByID(def.Schema); o != nil && o.Head().Name == s.temp && b.Persistence != ast.Temporary {
		s.notice(Notice{Severity: "NOTICE", Err: sqlerr.Newf(sqlerr.SuccessfulCompletion, "view %q will be a temporary view", def.Name)})
	}
	if old := tx.Schema().LookupRelation(def.Schema, def.Name); old != nil && b.Replace {
		if old.Head().Kind != table.KindView {
			return sqlerr.Newf(sqlerr.WrongObjectType, "%q is not a view", def.Name)
		}
		if err := bind.CheckReplaceView(old.(*table.ViewDef), def); err != nil {
			return err
		}
		if err := tx.Schema().Drop(ctx, old.Head().ID); err != nil {
			return err
		}
	}
	_, err = tx.Schema().Create(ctx, def)
	return err
}

// createTableAs makes a table of a query's columns and fills it.
func (s *Session) createTableAs(ctx context.Context, tx table.Tx, b *ast.CreateTableAs) (*Result, error) {
	if b.Persistence == ast.Unlogged {
		return nil, sqlerr.Unsupported("CREATE UNLOGGED TABLE AS").WithHint("Use CREATE TABLE … USING memory AS.")
	}
	name, err := s.temporaryName(ctx, tx, b.Persistence, b.Name)
	if err != nil {
		return nil, err
	}
	if name != b.Name {
		c := *b
		c.Name, c.Method = name, temporaryMethod(b.Method)
		b = &c
	}
	if _, ok := b.Query.(*ast.Query); !ok {
		return nil, sqlerr.Unsupported("CREATE TABLE AS EXECUTE")
	}
	binder := s.binder(ctx, tx)
	schema, err := binder.CreationSchema(b.Name)
	if err != nil {
		return nil, err
	}
	if b.IfNotExists && tx.Schema().LookupRelation(schema, b.Name.Name) != nil {
		s.skipped("relation", b.Name.Name, "already exists", sqlerr.DuplicateTable)
		return &Result{s: s, verb: "CREATE TABLE AS"}, nil
	}
	var def *table.TableDef
	var bound *bind.Statement
	err = s.bound(ctx, true, func(binder *bind.Binder) (err error) {
		def, bound, err = binder.CreateTableAs(b, nil)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(bound.Params) > 0 {
		return nil, sqlerr.Unsupported("a parameter in CREATE TABLE AS")
	}
	q, err := s.optimize(ctx, tx, bound, nil)
	if err != nil {
		return nil, err
	}
	id, err := tx.Schema().Create(ctx, def)
	if err != nil {
		return nil, err
	}
	if b.NoData {
		return &Result{s: s, verb: "CREATE TABLE AS"}, nil
	}
	def = tx.Schema().ByID(id).(*table.TableDef)
	var rows int64
	err = s.inStatement(ctx, tx, func(stmt table.Statement) error {
		ec := s.exprContext(nil)
		c := changes{s: s, q: q, stmt: stmt}
		if err := c.before(ctx); err != nil {
			return err
		}
		env := s.env(q, stmt, ec)
		env.Held = c.held
		x, err := exec.Instantiate(ctx, q, env)
		if err != nil {
			return err
		}
		w, err := stmt.Writer(ctx, def.ID)
		if err == nil {
			m := &modifier{s: s, m: &plan.Modify{Kind: plan.Insert, Table: def}, q: x, stmt: stmt, w: w, ctx: ec}
			err = m.insert(ctx)
			rows = m.rows
		}
		if cerr := x.Close(); err == nil {
			err = cerr
		}
		return err
	})
	return &Result{s: s, verb: "SELECT", counts: true, rows: rows}, err
}

var dropKinds = map[ast.ObjectKind]table.ObjectKind{
	ast.TableObject: table.KindTable, ast.ViewObject: table.KindView, ast.SchemaObject: table.KindSchema,
	ast.SequenceObject: table.KindSequence,
}

func (s *Session) drop(ctx context.Context, tx table.Tx, b *ast.Drop) error {
	kind, ok := dropKinds[b.Kind]
	if !ok {
		return sqlerr.Unsupported("DROP " + b.Kind.String())
	}
	var targets []table.Object
	for _, name := range b.Names {
		o, err := s.dropTarget(tx, b, kind, name)
		if err != nil {
			return err
		}
		if o != nil && !slices.ContainsFunc(targets, func(t table.Object) bool { return t.Head().ID == o.Head().ID }) {
			targets = append(targets, o)
		}
	}
	if kind != table.KindSchema {
		return s.dropRelations(ctx, tx, b, targets)
	}
	for _, o := range targets {
		if b.Cascade {
			if err := s.dropContents(ctx, tx, o.Head().ID); err != nil {
				return err
			}
		}
		if err := tx.Schema().Drop(ctx, o.Head().ID); err != nil {
			return err
		}
	}
	return nil
}

// dropRelations drops tables or views, and with CASCADE the views that use them.
func (s *Session) dropRelations(ctx context.Context, tx table.Tx, b *ast.Drop, targets []table.Object) error {
	list := s.dependents(tx, targets...)
	outside, inside := foreignUsers(tx, targets)
	if len(list)+len(outside) > 0 && !b.Cascade {
		what := "desired object(s)"
		if len(targets) == 1 {
			what = relationWord(targets[0]) + " " + targets[0].Head().Name
		}
		return dependsError(what, list, outside)
	}
	if err := s.releaseSequences(ctx, tx, b, targets); err != nil {
		return err
	}
	s.noticeCascade(list, outside...)
	if err := releaseForeign(ctx, tx, append(outside, inside...)...); err != nil {
		return err
	}
	for _, d := range slices.Backward(list) {
		if err := tx.Schema().Drop(ctx, d.view.ID); err != nil {
			return err
		}
	}
	for _, o := range targets {
		if err := tx.Schema().Drop(ctx, o.Head().ID); err != nil {
			return err
		}
	}
	return nil
}

// dropTarget finds what DROP names; nil if IF EXISTS allows that there is none.
func (s *Session) dropTarget(tx table.Tx, b *ast.Drop, kind table.ObjectKind, name ast.RelName) (table.Object, error) {
	var o table.Object
	if kind == table.KindSchema {
		o = tx.Schema().Lookup(kind, 0, name.Name)
	} else {
		var err error
		if o, err = s.binder(s.runContext(), tx).Relation(name); err != nil {
			return nil, err
		}
	}
	word := strings.ToLower(b.Kind.String())
	if o == nil {
		code := map[table.ObjectKind]sqlerr.Code{table.KindTable: sqlerr.UndefinedTable, table.KindView: sqlerr.UndefinedTable,
			table.KindSequence: sqlerr.UndefinedTable, table.KindSchema: sqlerr.InvalidSchemaName}[kind]
		if b.IfExists {
			s.skipped(word, name.Name, "does not exist", sqlerr.SuccessfulCompletion)
			return nil, nil
		}
		return nil, sqlerr.Newf(code, "%s %q does not exist", word, name.Name)
	}
	if o.Head().Kind != kind {
		err := sqlerr.Newf(sqlerr.WrongObjectType, "%q is not a %s", name.Name, word)
		if o.Head().Kind == table.KindView {
			err = err.WithHint("Use DROP VIEW to remove a view.")
		}
		return nil, err
	}
	return o, nil
}

// dropContents drops what is in a schema, views first.
func (s *Session) dropContents(ctx context.Context, tx table.Tx, schema table.ObjectID) error {
	var inside []table.Object
	for _, kind := range []table.ObjectKind{table.KindView, table.KindTable} {
		for _, o := range tx.Schema().List(kind) {
			if o.Head().Schema == schema {
				inside = append(inside, o)
			}
		}
	}
	for _, d := range slices.Backward(s.dependents(tx, inside...)) { // views of other schemas
		if err := tx.Schema().Drop(ctx, d.view.ID); err != nil {
			return err
		}
	}
	outside, among := foreignUsers(tx, inside)
	if err := releaseForeign(ctx, tx, append(outside, among...)...); err != nil {
		return err
	}
	for _, kind := range []table.ObjectKind{table.KindMaterializedView, table.KindView, table.KindTable, table.KindSequence} {
		for _, o := range tx.Schema().List(kind) {
			if o.Head().Schema != schema || tx.Schema().ByID(o.Head().ID) == nil { // it went with its table
				continue
			}
			if err := tx.Schema().Drop(ctx, o.Head().ID); err != nil {
				return err
			}
		}
	}
	return nil
}
