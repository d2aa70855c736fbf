package query

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/laminadb/lamina/query/bind"
	"github.com/laminadb/lamina/query/system"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// systemSource is what system relations and functions are made of, as a transaction sees it.
func (s *Session) systemSource(schema table.Schema) *system.Source {
	return &system.Source{
		Schema: schema, User: s.o.User, Database: s.o.Database, Metrics: s.e.Metrics, Sessions: s.e.sessionList,
		Settings: s.settingList, Now: s.time(), Stats: s.tableStats,
		RelationText: func(oid uint32) string { return s.names(schema).relationText(oid) },
	}
}

// tableStats returns the estimates with which the session's transaction plans.
func (s *Session) tableStats(def *table.TableDef) table.Stats {
	ctx := context.Background()
	if s.tx.tx == nil {
		return table.Stats{}
	}
	stmt, err := s.tx.tx.Statement(ctx)
	if err != nil {
		return table.Stats{}
	}
	defer stmt.Close(nil) //nolint:errcheck // it only reads statistics
	st := statsOf(ctx, stmt, def)
	st.MakeColumns()
	return st
}

// statsOf returns the estimates that a statement has of a table; none if it does not see the table as it is defined there.
func statsOf(ctx context.Context, stmt table.Statement, def *table.TableDef) table.Stats {
	r, err := stmt.Reader(ctx, def.ID)
	if err != nil || r.Def().Version != def.Version {
		return table.Stats{} // the statement itself will meet the error, or is planned again
	}
	st, err := r.Stats(ctx)
	if err != nil {
		return table.Stats{}
	}
	return st
}

// systemRelation finds a system relation for the binder.
func (s *Session) systemRelation(schema table.Schema) func(space, name string) (*bind.SystemTable, error) {
	return func(space, name string) (*bind.SystemTable, error) {
		return s.systemSource(schema).Relation(space, name), nil
	}
}

// sessionList describes the sessions that are open, by their IDs.
func (e *Engine) sessionList() []system.Session {
	e.open.Lock()
	defer e.open.Unlock()
	var out []system.Session
	for _, s := range e.open.sessions {
		out = append(out, s.info())
	}
	slices.SortFunc(out, func(a, b system.Session) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// info describes the session; any goroutine may ask.
func (s *Session) info() system.Session {
	d := system.Session{
		ID: s.id, User: s.o.User, Database: s.o.Database, Application: s.o.Settings["application_name"],
		State: "idle", TxID: s.TxID(), Started: s.born,
	}
	if d.TxID != 0 {
		d.State = "idle in transaction"
	}
	s.run.Lock()
	defer s.run.Unlock()
	if n := len(s.run.now); n > 0 {
		d.State, d.Query, d.QStart = "active", s.run.now[n-1].text, s.run.now[n-1].start
	}
	return d
}

// settingList describes the run-time settings, by name.
func (s *Session) settingList() []system.Setting {
	var out []system.Setting
	for _, set := range settings {
		x := system.Setting{
			Name: set.name, Value: s.settings.get(set), Boot: set.value, Reset: set.value, Help: set.help, Kind: "string", Fixed: set.fixed,
		}
		if v, ok := s.settings.start[set.name]; ok {
			x.Reset = v
		}
		switch set.kind {
		case settingBool:
			x.Kind = "bool"
		case settingEnum:
			x.Kind, x.Values = "enum", set.values
		case settingInt, settingDuration, settingBytes:
			x.Kind, x.Min, x.Max = "integer", strconv.FormatInt(set.min, 10), strconv.FormatInt(set.max, 10)
		case settingReal:
			x.Kind = "real"
		}
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b system.Setting) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// withSchema calls f with the schema that the session's transaction sees, or the newest. Workers of one query may call
// it at the same time.
func (s *Session) withSchema(f func(table.Schema)) {
	s.system.Lock()
	defer s.system.Unlock()
	if tx := s.tx.tx; tx != nil {
		f(tx.Schema())
		return
	}
	tx, err := s.e.storage.Begin(context.Background(), table.TxOptions{ReadOnly: true})
	if err != nil {
		return
	}
	defer tx.Rollback() //nolint:errcheck // it has only read
	f(tx.Schema())
}

// regText prints a value of a kind such as regclass; "" if there is no such object.
func (s *Session) regText(k types.Kind, oid uint32) (text string) {
	s.withSchema(func(schema table.Schema) {
		n := s.names(schema)
		switch k {
		case types.Regclass:
			text = n.relationText(oid)
		case types.Regtype:
			text = n.typeText(oid)
		case types.Regnamespace:
			text = n.schemaText(oid)
		case types.Regrole:
			if oid == system.UserOID {
				text = system.Quote(s.o.User)
			}
		case types.Regproc:
			for _, f := range system.Functions() {
				if f.OID == oid {
					text = f.Name
				}
			}
		}
	})
	return text
}

// regOf reads the name of an object, or a number, as a value of a kind such as regclass.
func (s *Session) regOf(k types.Kind, text string) (d types.Datum, err error) {
	if text == "-" {
		return types.NewInt(k, 0), nil
	}
	if text != "" && text[0] >= '0' && text[0] <= '9' {
		d, err := types.Parse(types.T(types.OID), text)
		d.K = k
		return d, err
	}
	s.withSchema(func(schema table.Schema) {
		var oid uint32
		oid, err = s.names(schema).find(k, text)
		d = types.NewInt(k, int64(oid))
	})
	return d, err
}

// names finds objects by name and names by OID.
type names struct {
	schema table.Schema
	bind   *bind.Binder
	path   []string
	user   string
}

func (s *Session) names(schema table.Schema) *names {
	return &names{
		schema: schema, path: s.searchPath(), user: s.o.User,
		bind: bind.New(schema, bind.Options{SearchPath: s.searchPath(), Temp: s.temp, System: s.systemRelation(schema)}),
	}
}

// location returns schema and name of a relation.
func (n *names) location(oid uint32) (schema, name string, ok bool) {
	if schema, name = system.NameOf(oid); name != "" {
		return schema, name, true
	}
	o := n.schema.ByID(table.ObjectID(oid))
	if o == nil || o.Head().Schema == 0 {
		return "", "", false
	}
	return n.schemaText(uint32(o.Head().Schema)), o.Head().Name, true
}

func (n *names) relationText(oid uint32) string {
	schema, name, ok := n.location(oid)
	switch {
	case !ok:
		return ""
	case n.visible(oid):
		return system.Quote(name)
	}
	return system.Quote(schema) + "." + system.Quote(name)
}

// visible reports whether the relation of an OID is the one that its name alone means.
func (n *names) visible(oid uint32) bool {
	schema, name, ok := n.location(oid)
	if !ok {
		return false
	}
	found, _ := n.relation([]string{name})
	return found == oid && schema != ""
}

func (n *names) schemaText(oid uint32) string {
	if o := n.schema.ByID(table.ObjectID(oid)); o != nil && o.Head().Kind == table.KindSchema {
		return o.Head().Name
	}
	return ""
}

func (n *names) typeText(oid uint32) string {
	if text := typeName(oid); text != "???" {
		return text
	}
	return ""
}

// find finds an object of a kind by its name.
func (n *names) find(k types.Kind, text string) (uint32, error) {
	if k == types.Regtype {
		t, err := types.ParseType(text)
		return t.OID(), err
	}
	parts, ok := splitName(text)
	if !ok || len(parts) > 2 || k != types.Regclass && k != types.Regproc && len(parts) > 1 {
		return 0, sqlerr.New(sqlerr.InvalidName, "invalid name syntax")
	}
	last := parts[len(parts)-1]
	switch k {
	case types.Regclass:
		if oid, ok := n.relation(parts); ok {
			return oid, nil
		}
		return 0, sqlerr.Newf(sqlerr.UndefinedTable, "relation \"%s\" does not exist", text)
	case types.Regnamespace:
		if o := n.schema.Lookup(table.KindSchema, 0, last); o != nil {
			return uint32(o.Head().ID), nil
		}
		return 0, sqlerr.Newf(sqlerr.InvalidSchemaName, "schema \"%s\" does not exist", text)
	case types.Regrole:
		if last == n.user {
			return system.UserOID, nil
		}
		return 0, sqlerr.Newf(sqlerr.UndefinedObject, "role \"%s\" does not exist", text)
	}
	return n.function(last, text)
}

func (n *names) function(name, text string) (oid uint32, err error) {
	for _, f := range system.Functions() {
		if f.Name != name {
			continue
		}
		if oid != 0 {
			return 0, sqlerr.Newf(sqlerr.AmbiguousFunction, "more than one function named \"%s\"", text)
		}
		oid = f.OID
	}
	if oid == 0 {
		err = sqlerr.Newf(sqlerr.UndefinedFunction, "function \"%s\" does not exist", text)
	}
	return oid, err
}

// relation finds a relation by its name, qualified or not, as the binder does.
func (n *names) relation(parts []string) (uint32, bool) {
	last := parts[len(parts)-1]
	if len(parts) == 1 {
		if oid := system.OIDOf("pg_catalog", last); oid != 0 {
			return oid, true
		}
	}
	if o := n.bind.Find(parts); o != nil {
		return uint32(o.Head().ID), true
	}
	if len(parts) == 2 {
		if oid := system.OIDOf(parts[0], last); oid != 0 {
			return oid, true
		}
	}
	return 0, false
}
