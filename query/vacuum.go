package query

import (
	"context"
	"slices"
	"strings"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// vacuumOptions are what VACUUM and ANALYZE can be asked for here. FREEZE has nothing to do: row versions do not age.
type vacuumOptions struct{ analyze, verbose, freeze, full bool }

// refusedVacuumOptions are PostgreSQL's others, which mean its own files; true: ANALYZE has it too.
var refusedVacuumOptions = map[string]bool{
	"disable_page_skipping": false, "skip_locked": true, "index_cleanup": false, "process_main": false, "process_toast": false,
	"truncate": false, "parallel": false, "skip_database_stats": false, "only_database_stats": false, "buffer_usage_limit": true,
}

func vacuumOptionsOf(verb string, b *ast.Vacuum) (vacuumOptions, error) {
	o := vacuumOptions{analyze: b.Analyze}
	for _, opt := range b.Options {
		set := map[string]*bool{"analyze": &o.analyze, "verbose": &o.verbose, "freeze": &o.freeze, "full": &o.full}[opt.Name]
		alike, refused := refusedVacuumOptions[opt.Name]
		switch {
		case b.Analyze && (set == nil || opt.Name != "verbose") && !alike, set == nil && !refused:
			return o, sqlerr.Newf(sqlerr.SyntaxError, "unrecognized %s option %q", verb, opt.Name).At(opt.Pos())
		case refused:
			return o, sqlerr.Unsupported(verb + " option " + strings.ToUpper(opt.Name)).At(opt.Pos())
		}
		*set = true
		if opt.HasValue {
			on, ok := parseBool(opt.Value)
			if !ok {
				return o, sqlerr.Newf(sqlerr.SyntaxError, "%s requires a Boolean value", opt.Name)
			}
			*set = on
		}
	}
	return o, nil
}

// runVacuum is VACUUM and ANALYZE. VACUUM frees the row versions that nobody can see any more: many are freed without it, as
// others come. ANALYZE refreshes the estimates.
func (s *Session) runVacuum(ctx context.Context, b *ast.Vacuum) (*Result, error) {
	verb := "VACUUM"
	if b.Analyze {
		verb = "ANALYZE"
	}
	o, err := vacuumOptionsOf(verb, b)
	if err != nil {
		return nil, err
	}
	if o.full && !s.e.storage.Features().Compact {
		return nil, sqlerr.Unsupported("VACUUM option FULL")
	}
	for _, v := range b.Tables {
		if len(v.Columns) > 0 && !o.analyze {
			return nil, sqlerr.New(sqlerr.FeatureNotSupported, "ANALYZE option must be specified when a column list is provided")
		}
	}
	if !b.Analyze && (s.tx.explicit || s.tx.tx != nil) {
		return nil, sqlerr.New(sqlerr.ActiveSQLTransaction, "VACUUM cannot run inside a transaction block")
	}
	tables, err := s.vacuumTables(ctx, strings.ToLower(verb), b)
	if err != nil {
		return nil, err
	}
	if !b.Analyze {
		if err := s.endTx(true); err != nil { // its own View would keep what is to go
			return nil, err
		}
	}
	for _, t := range tables {
		if !b.Analyze {
			if err := s.vacuumTable(ctx, o, t); err != nil {
				return nil, err
			}
		}
	}
	if o.analyze {
		err = s.analyze(ctx, o, tables)
	}
	return &Result{s: s, verb: verb}, err
}

// analyze has the storage make estimates of tables. Statements are planned again with them.
func (s *Session) analyze(ctx context.Context, o vacuumOptions, tables []vacuumed) error {
	var of []table.AnalyzeTarget
	for _, t := range tables {
		s.vacuumInfo(o, "analyzing %q", t.name)
		of = append(of, table.AnalyzeTarget{Table: t.id, Columns: t.columns})
	}
	err := s.e.storage.Analyze(ctx, of)
	s.e.analyzed.Add(1)
	return err
}

// vacuumed is a table that VACUUM or ANALYZE works on; columns are those to analyze, nil: all.
type vacuumed struct {
	id      table.ObjectID
	name    string
	columns []uint32 // their IDs
}

// vacuumTables finds the tables; what is none is left out, with a warning.
func (s *Session) vacuumTables(ctx context.Context, what string, b *ast.Vacuum) (list []vacuumed, err error) {
	tx, err := s.storageTx(ctx)
	if err != nil {
		return nil, err
	}
	add := func(def *table.TableDef, columns []uint32) {
		name := def.Name
		if schema := tx.Schema().ByID(def.Schema); schema != nil {
			name = schema.Head().Name + "." + name
		}
		list = append(list, vacuumed{def.ID, name, columns})
	}
	if len(b.Tables) == 0 {
		for _, o := range tx.Schema().List(table.KindTable) {
			add(o.(*table.TableDef), nil)
		}
	}
	for _, v := range b.Tables {
		def, err := s.tableOf(ctx, v.Table)
		if code := sqlerr.CodeOf(err); code == sqlerr.WrongObjectType || code == sqlerr.InsufficientPrivilege {
			s.notice(Notice{Severity: "WARNING", Err: sqlerr.Newf(sqlerr.Warning,
				"skipping %q --- cannot %s non-tables or special system tables", v.Table.RelName.Name, what)})
			continue
		}
		var columns []uint32
		if err == nil {
			columns, err = vacuumColumns(def, v.Columns)
		}
		if err != nil {
			return nil, err
		}
		add(def, columns)
	}
	return list, nil
}

// vacuumColumns finds columns by name; nil if none are named.
func vacuumColumns(def *table.TableDef, names []string) (columns []uint32, err error) {
	for _, name := range names {
		i := def.ColumnIndex(name)
		if i < 0 {
			return nil, sqlerr.Newf(sqlerr.UndefinedColumn, "column %q of relation %q does not exist", name, def.Name)
		}
		id := def.Columns[i].ID
		if slices.Contains(columns, id) {
			return nil, sqlerr.Newf(sqlerr.DuplicateColumn, "column %q of relation %q appears more than once", name, def.Name)
		}
		columns = append(columns, id)
	}
	return columns, nil
}

func (s *Session) vacuumTable(ctx context.Context, o vacuumOptions, t vacuumed) error {
	s.vacuumInfo(o, "vacuuming %q", t.name)
	report, err := s.e.storage.Vacuum(ctx, t.id)
	if err == nil && o.full {
		err = s.e.storage.Compact(ctx, t.id)
	}
	if sqlerr.CodeOf(err) == sqlerr.UndefinedTable {
		return nil // it was dropped meanwhile
	}
	if err == nil {
		s.vacuumInfo(o, "%q: %d row versions freed, %d ended ones left", t.name, report.Freed, report.Left)
	}
	return err
}

func (s *Session) vacuumInfo(o vacuumOptions, format string, args ...any) {
	if o.verbose {
		s.notice(Notice{Severity: "INFO", Err: sqlerr.Newf(sqlerr.SuccessfulCompletion, format, args...)})
	}
}
