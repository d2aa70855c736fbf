package query

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/bind"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

func (s *Session) runTransaction(ctx context.Context, t *ast.Transaction) (*Result, error) {
	r := &Result{s: s}
	var err error
	switch t.Kind {
	case ast.Begin:
		r.verb = "BEGIN"
		if t.Start {
			r.verb = "START TRANSACTION"
		}
		var m txModes
		if m, err = modesOf(t.Modes); err == nil {
			err = s.begin(m)
		}
	case ast.Commit:
		r.verb, err = s.commitBlock(ctx, t.Chain)
	case ast.Rollback:
		r.verb, err = "ROLLBACK", s.rollbackBlock(t.Chain)
	case ast.Savepoint:
		r.verb, err = "SAVEPOINT", s.savepoint(ctx, t.Name)
	case ast.Release:
		r.verb, err = "RELEASE", s.releaseSavepoint(ctx, t.Name)
	case ast.RollbackTo:
		r.verb, err = "ROLLBACK", s.rollbackTo(ctx, t.Name)
	default:
		err = sqlerr.Unsupported("this transaction statement")
	}
	return r, err
}

func modesOf(m ast.TxModes) (txModes, error) {
	out := txModes{readOnly: m.ReadOnly, deferrable: m.Deferrable}
	if m.Isolation != nil {
		level, err := parseIsolation(*m.Isolation)
		if err != nil {
			return out, err
		}
		out.isolation = &level
	}
	return out, nil
}

// runSet is SET name.
func (s *Session) runSet(b *ast.Set) (*Result, error) {
	set, err := findSetting(b.Name)
	if err != nil {
		return nil, err
	}
	local := b.Scope == ast.LocalScope
	r := &Result{s: s, verb: "SET"}
	if local && !s.tx.explicit {
		s.notice(Notice{Severity: "WARNING", Err: sqlerr.New(sqlerr.NoActiveSQLTransaction, "SET LOCAL can only be used in transaction blocks")})
	}
	if b.Default {
		return r, s.settings.reset(set)
	}
	value := setValue(set, b)
	switch set.name {
	case "transaction_isolation":
		level, err := parseIsolation(value)
		if err != nil {
			return nil, err
		}
		s.beginTx()
		return r, s.setTransaction(txModes{isolation: &level})
	case "transaction_read_only":
		v, ok := parseBool(value)
		if !ok {
			return nil, sqlerr.Newf(sqlerr.InvalidParameterValue, "parameter %q requires a Boolean value", set.name)
		}
		s.beginTx()
		return r, s.setTransaction(txModes{readOnly: &v})
	case "transaction_deferrable":
		v, ok := parseBool(value)
		if !ok {
			return nil, sqlerr.Newf(sqlerr.InvalidParameterValue, "parameter %q requires a Boolean value", set.name)
		}
		s.beginTx()
		return r, s.setDeferrable(v)
	}
	return r, s.settings.set(set, value, local)
}

// setValue is the text of the values of SET.
func setValue(set *setting, b *ast.Set) string {
	var words []string
	for _, v := range b.Values {
		words = append(words, settingWord(set, v))
	}
	return strings.Join(words, ", ")
}

// settingWord is one value of SET. In a list of names, quotes are kept where a name needs them.
func settingWord(set *setting, l ast.Literal) string {
	if set.name != "search_path" {
		return l.Text
	}
	plain := l.Text != ""
	for i, c := range l.Text {
		plain = plain && (c == '_' || c >= 'a' && c <= 'z' || i > 0 && (c >= '0' && c <= '9' || c == '$'))
	}
	if plain {
		return l.Text
	}
	return `"` + strings.ReplaceAll(l.Text, `"`, `""`) + `"`
}

func (s *Session) runSetTransaction(b *ast.SetTransaction) (*Result, error) {
	r := &Result{s: s, verb: "SET"}
	m, err := modesOf(b.Modes)
	if err != nil {
		return nil, err
	}
	if b.Session {
		if m.isolation != nil {
			err = s.settings.set(settings["default_transaction_isolation"], m.isolation.String(), false)
		}
		if err == nil && m.readOnly != nil {
			err = s.settings.set(settings["default_transaction_read_only"], onOff(*m.readOnly), false)
		}
		if err == nil && m.deferrable != nil {
			err = s.settings.set(settings["default_transaction_deferrable"], onOff(*m.deferrable), false)
		}
		return r, err
	}
	if !s.tx.explicit {
		s.notice(Notice{Severity: "WARNING", Err: sqlerr.New(sqlerr.NoActiveSQLTransaction, "SET TRANSACTION can only be used in transaction blocks")})
		return r, nil
	}
	return r, s.setTransaction(m)
}

func (s *Session) showColumns(name string) ([]plan.OutColumn, error) {
	text := types.T(types.Text)
	if strings.EqualFold(name, "all") {
		return []plan.OutColumn{{Name: "name", Type: text}, {Name: "setting", Type: text}, {Name: "description", Type: text}}, nil
	}
	set, err := findSetting(name)
	if err != nil {
		return nil, err
	}
	return []plan.OutColumn{{Name: set.name, Type: text}}, nil
}

func (s *Session) runShow(name string) (*Result, error) {
	if strings.EqualFold(name, "all") {
		var rows [][]string
		for i := range settingTable {
			set := &settingTable[i]
			rows = append(rows, []string{set.name, s.shown(set), set.help})
		}
		slices.SortFunc(rows, func(a, b []string) int { return strings.Compare(strings.ToLower(a[0]), strings.ToLower(b[0])) })
		return s.textRows("SHOW", []string{"name", "setting", "description"}, rows)
	}
	set, err := findSetting(name)
	if err != nil {
		return nil, err
	}
	if strings.Contains(set.name, ".") {
		if _, ok := s.settings.lookup(set.name); !ok {
			return nil, sqlerr.Newf(sqlerr.UndefinedObject, "unrecognized configuration parameter %q", name)
		}
	}
	return s.textRows("SHOW", []string{set.name}, [][]string{{s.shown(set)}})
}

// shown is a setting's value; those of the current transaction come from it.
func (s *Session) shown(set *setting) string {
	switch set.name {
	case "transaction_isolation":
		if s.tx.open {
			return s.tx.o.Isolation.String()
		}
		return s.settings.isolation("default_transaction_isolation").String()
	case "transaction_read_only":
		return onOff(s.tx.open && s.tx.o.ReadOnly || !s.tx.open && s.settings.bool("default_transaction_read_only"))
	case "transaction_deferrable":
		return onOff(s.tx.open && s.tx.deferrable || !s.tx.open && s.settings.bool("default_transaction_deferrable"))
	}
	return s.settings.get(set)
}

// onOff is a truth value as SHOW prints it.
func onOff(v bool) string {
	if v {
		return "on"
	}
	return "off"
}

func (s *Session) runReset(b *ast.Reset) (*Result, error) {
	r := &Result{s: s, verb: "RESET"}
	if b.Name == "" || strings.EqualFold(b.Name, "all") {
		s.settings.resetAll()
		return r, nil
	}
	set, err := findSetting(b.Name)
	if err != nil {
		return nil, err
	}
	return r, s.settings.reset(set)
}

// preparedMax bounds the statements that a session keeps by PREPARE.
const preparedMax = 10_000

func errNamed(name string) error {
	return sqlerr.Newf(sqlerr.DuplicatePreparedStatement, "prepared statement %q already exists", name)
}

// Named returns the statement that PREPARE or SetNamed has given a name, or nil.
func (s *Session) Named(name string) *Prepared { return s.prepared[name] }

// SetNamed gives a statement a name, by which EXECUTE finds it too.
func (s *Session) SetNamed(name string, p *Prepared) error {
	var err error
	switch {
	case s.prepared[name] != nil:
		err = errNamed(name)
	case len(s.prepared) >= preparedMax:
		err = sqlerr.Newf(sqlerr.ProgramLimitExceeded, "more than %d prepared statements", preparedMax)
	default:
		s.prepared[name] = p
	}
	s.failed(err)
	return err
}

// DropNamed forgets a statement with a name, if there is one.
func (s *Session) DropNamed(name string) { delete(s.prepared, name) }

func (s *Session) runPrepare(ctx context.Context, st *ast.Statement, b *ast.Prepare) (*Result, error) {
	if s.prepared[b.Name] != nil {
		return nil, errNamed(b.Name)
	}
	var params []types.Type
	for _, t := range b.Types {
		typ, err := bind.TypeOf(t)
		if err != nil {
			return nil, err
		}
		params = append(params, typ)
	}
	inner := &ast.Statement{Body: b.Query, Text: b.Text, Start: st.Start, End: st.End}
	p, err := s.Prepare(ctx, inner, params)
	if err != nil {
		return nil, err
	}
	if err := s.SetNamed(b.Name, p); err != nil {
		return nil, err
	}
	return &Result{s: s, verb: "PREPARE"}, nil
}

func (s *Session) runExecute(ctx context.Context, b *ast.Execute) (*Result, error) {
	p := s.prepared[b.Name]
	if p == nil {
		return nil, sqlerr.Newf(sqlerr.InvalidSQLStatementName, "prepared statement %q does not exist", b.Name)
	}
	if p.Empty() {
		return &Result{s: s, done: true}, nil
	}
	if _, again := p.stmt.Body.(*ast.Execute); again { // it may name itself
		return nil, sqlerr.Unsupported("EXECUTE of an EXECUTE statement")
	}
	if err := s.Revalidate(ctx, p); err != nil {
		return nil, err
	}
	if len(b.Args) != len(p.Params) {
		return nil, sqlerr.Newf(sqlerr.SyntaxError, "wrong number of parameters for prepared statement %q", b.Name).
			WithDetail("Expected %d parameters but got %d.", len(p.Params), len(b.Args))
	}
	tx, err := s.storageTx(ctx)
	if err != nil {
		return nil, err
	}
	params := make([]types.Datum, len(b.Args))
	for i, a := range b.Args {
		if params[i], err = s.argument(tx, i, a, p.Params[i]); err != nil {
			return nil, err
		}
	}
	return s.dispatch(ctx, p, params, &Result{})
}

// argumentError says that argument i of EXECUTE has a type that does not become the parameter's.
func argumentError(err error, i int, have, want types.Type, pos int) error {
	if sqlerr.CodeOf(err) != sqlerr.CannotCoerce {
		return err
	}
	return sqlerr.Newf(sqlerr.DatatypeMismatch, "parameter $%d of type %s cannot be coerced to the expected type %s", i+1, have.Kind, want.Kind).
		WithHint("You will need to rewrite or cast the expression.").At(pos)
}

// argument evaluates argument i of EXECUTE.
func (s *Session) argument(tx table.Tx, i int, a ast.Expr, want types.Type) (types.Datum, error) {
	b, err := s.binder(s.runContext(), tx).Stmt(&ast.Query{Body: &ast.Values{Rows: [][]ast.Expr{{a}}}}, nil)
	if err != nil {
		return types.Datum{}, err
	}
	rel, ok := b.Root.(*plan.RelValues)
	if !ok || len(rel.Tuples) != 1 || len(b.Params) > 0 {
		return types.Datum{}, sqlerr.Unsupported("a query as an argument of EXECUTE")
	}
	value := rel.Tuples[0][0]
	if lit, ok := a.(*ast.Literal); ok { // still without a type of its own
		switch lit.Kind {
		case ast.NullLiteral:
			value = expr.NewNull(lit.Pos())
		case ast.StringLiteral:
			value = expr.NewLiteral(lit.Text, lit.Pos())
		}
	}
	e, err := expr.NewCast(value, want, expr.Assignment, a.Pos())
	if err != nil {
		return types.Datum{}, argumentError(err, i, value.Type(), want, a.Pos())
	}
	return expr.EvalRow(s.exprContext(nil), e, nil)
}

func (s *Session) runDeallocate(b *ast.Deallocate) (*Result, error) {
	r := &Result{s: s, verb: "DEALLOCATE"}
	if b.Name == "" {
		clear(s.prepared)
		r.verb = "DEALLOCATE ALL"
		return r, nil
	}
	if s.prepared[b.Name] == nil {
		return nil, sqlerr.Newf(sqlerr.InvalidSQLStatementName, "prepared statement %q does not exist", b.Name)
	}
	delete(s.prepared, b.Name)
	return r, nil
}

// runMaintenance runs a command that works beside transactions and cannot be part of one.
func (s *Session) runMaintenance(_ context.Context, verb string, f func() error) (*Result, error) {
	if s.tx.explicit && verb != "CHECKPOINT" {
		return nil, sqlerr.Newf(sqlerr.ActiveSQLTransaction, "%s cannot run inside a transaction block", verb)
	}
	return &Result{s: s, verb: verb}, f()
}

func (s *Session) tableOf(ctx context.Context, ref *ast.TableRef) (*table.TableDef, error) {
	tx, err := s.storageTx(ctx)
	if err != nil {
		return nil, err
	}
	def, err := s.binder(ctx, tx).Table(ref.RelName)
	if e, ok := errors.AsType[*sqlerr.Error](err); ok && e.Position != 0 {
		e = e.WithMessage("%s", e.Message)
		e.Position = 0 // as PostgreSQL, which does not analyse these statements
		return nil, e
	}
	return def, err
}

// steadyTable is tableOf for a table whose definition is to stay as it is until the transaction ends: it waits for
// those who change it.
func (s *Session) steadyTable(ctx context.Context, ref *ast.TableRef) (*table.TableDef, error) {
	for range replansMax {
		def, err := s.tableOf(ctx, ref)
		if err != nil {
			return nil, err
		}
		tx, err := s.storageTx(ctx)
		if err != nil {
			return nil, err
		}
		changed, err := settleTables(ctx, tx, []*table.TableDef{def})
		if err != nil || !changed {
			return def, err
		}
	}
	return nil, errTablesChange
}

func (s *Session) runLockTable(ctx context.Context, b *ast.LockTable) (*Result, error) {
	if err := s.needBlock("LOCK TABLE"); err != nil {
		return nil, err
	}
	wait := table.WaitBlock
	if b.NoWait {
		wait = table.NoWait
	}
	s.tx.locked = true
	for _, t := range b.Tables {
		def, err := s.tableOf(ctx, t)
		if err != nil {
			return nil, err
		}
		tx, err := s.storageTx(ctx)
		if err != nil {
			return nil, err
		}
		if err := tx.LockTable(ctx, def.ID, table.TableLock(b.Mode), wait); err != nil {
			return nil, err
		}
	}
	return &Result{s: s, verb: "LOCK TABLE"}, nil
}

func (s *Session) runDiscard(ctx context.Context, b *ast.Discard) (*Result, error) {
	r := &Result{s: s, verb: "DISCARD PLANS"}
	switch b.Kind {
	case ast.DiscardAll:
		if s.tx.explicit {
			return nil, sqlerr.New(sqlerr.ActiveSQLTransaction, "DISCARD ALL cannot run inside a transaction block")
		}
		clear(s.prepared)
		s.settings.resetAll()
		s.sequences = sequenceUse{}
		r.verb = "DISCARD ALL"
		return r, s.discardTemporary(ctx)
	case ast.DiscardTemp:
		r.verb = "DISCARD TEMP"
		return r, s.discardTemporary(ctx)
	case ast.DiscardSequences:
		r.verb = "DISCARD SEQUENCES"
		s.sequences = sequenceUse{}
	}
	return r, nil
}

func (s *Session) runTruncate(ctx context.Context, b *ast.Truncate) (*Result, error) {
	tx, err := s.storageTx(ctx)
	if err != nil {
		return nil, err
	}
	defs, err := s.truncated(ctx, tx, b)
	if err != nil {
		return nil, err
	}
	err = s.inStatement(ctx, tx, func(stmt table.Statement) error {
		for _, def := range defs {
			w, err := stmt.Writer(ctx, def.ID)
			if err != nil {
				return err
			}
			if err := w.Truncate(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	for i := 0; i < len(defs) && b.RestartIdentity && err == nil; i++ {
		err = s.restartSequences(ctx, tx, defs[i])
	}
	return &Result{s: s, verb: "TRUNCATE TABLE"}, err
}

// inStatement runs f in a statement of the storage; its error undoes what f wrote.
func (s *Session) inStatement(ctx context.Context, tx table.Tx, f func(table.Statement) error) error {
	stmt, err := tx.Statement(ctx)
	if err != nil {
		return err
	}
	s.tx.queries++
	return stmt.Close(f(stmt))
}

// sessionValue answers the session functions of SQL.
func (s *Session) sessionValue(name string) (types.Datum, bool) {
	text := func(v string) (types.Datum, bool) { return types.NewString(types.Text, v), true }
	switch name {
	case "version":
		return text("PostgreSQL 18.0 (Lamina, " + "pure Go)")
	case "current_database", "current_catalog":
		return text(s.o.Database)
	case "current_user", "session_user", "user", "current_role":
		return text(s.o.User)
	case "pg_backend_pid":
		return types.NewInt(types.Int4, int64(s.id)), true
	case "current_schema":
		if tx := s.tx.tx; tx != nil {
			for _, p := range s.searchPath() {
				if tx.Schema().Lookup(table.KindSchema, 0, p) != nil {
					return text(p)
				}
			}
			return types.NullOf(types.Text), true
		}
		return text("public")
	}
	return types.Datum{}, false
}
