package system

import (
	"cmp"
	"slices"
	"sort"
	"strings"

	"github.com/laminadb/lamina/query/bind"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// UserOID is the OID of the only user that there is: whoever is connected.
const UserOID = 10

// databaseOID is the OID of the only database.
const databaseOID = 5

// The OIDs of access methods.
const (
	columnarAM = 2
	memoryAM   = 3
	lsmAM      = 4
	btreeAM    = 403
)

// The OIDs of collations: every text is ordered by code point, which is C's order.
const (
	defaultCollation = 100
	nameCollation    = 950
)

var objectRelations = []relation{
	{schema: pgCatalog, name: "pg_namespace", oid: 2615, rows: namespaces,
		columns: "oid oid, nspname name, nspowner oid, nspacl _aclitem"},
	{schema: pgCatalog, name: "pg_class", oid: 1259, rows: classes,
		columns: "oid oid, relname name, relnamespace oid, reltype oid, reloftype oid, relowner oid, relam oid, relfilenode oid, " +
			"reltablespace oid, relpages int4, reltuples float4, relallvisible int4, relallfrozen int4, reltoastrelid oid, " +
			"relhasindex bool, relisshared bool, relpersistence char, relkind char, relnatts int2, relchecks int2, relhasrules bool, " +
			"relhastriggers bool, relhassubclass bool, relrowsecurity bool, relforcerowsecurity bool, relispopulated bool, " +
			"relreplident char, relispartition bool, relrewrite oid, relfrozenxid int8, relminmxid int8, relacl _aclitem, " +
			"reloptions _text, relpartbound text"},
	{schema: pgCatalog, name: "pg_attribute", oid: 1249, rows: attributes,
		columns: "attrelid oid, attname name, atttypid oid, attlen int2, attnum int2, atttypmod int4, attndims int2, attbyval bool, " +
			"attalign char, attstorage char, attcompression char, attnotnull bool, atthasdef bool, atthasmissing bool, " +
			"attidentity char, attgenerated char, attisdropped bool, attislocal bool, attinhcount int2, attcollation oid, " +
			"attstattarget int2, attacl _aclitem, attoptions _text, attfdwoptions _text, attmissingval _text"},
	{schema: pgCatalog, name: "pg_attrdef", oid: 2604, rows: defaults,
		columns: "oid oid, adrelid oid, adnum int2, adbin text"},
	{schema: pgCatalog, name: "pg_index", oid: 2610, rows: indexes,
		columns: "indexrelid oid, indrelid oid, indnatts int2, indnkeyatts int2, indisunique bool, indnullsnotdistinct bool, " +
			"indisprimary bool, indisexclusion bool, indimmediate bool, indisclustered bool, indisvalid bool, indcheckxmin bool, " +
			"indisready bool, indislive bool, indisreplident bool, indkey int2vector, indcollation oidvector, indclass oidvector, " +
			"indoption int2vector, indexprs text, indpred text"},
	{schema: pgCatalog, name: "pg_constraint", oid: 2606, rows: constraints,
		columns: "oid oid, conname name, connamespace oid, contype char, condeferrable bool, condeferred bool, conenforced bool, " +
			"convalidated bool, conrelid oid, contypid oid, conindid oid, conparentid oid, confrelid oid, confupdtype char, " +
			"confdeltype char, confmatchtype char, conislocal bool, coninhcount int2, connoinherit bool, conperiod bool, " +
			"conkey _int2, confkey _int2, conpfeqop _oid, conppeqop _oid, conffeqop _oid, confdelsetcols _int2, conexclop _oid, conbin text"},
	{schema: pgCatalog, name: "pg_tables", oid: 12033, rows: tables,
		columns: "schemaname name, tablename name, tableowner name, tablespace name, hasindexes bool, hasrules bool, hastriggers bool, rowsecurity bool"},
	{schema: pgCatalog, name: "pg_views", oid: 12028, rows: views,
		columns: "schemaname name, viewname name, viewowner name, definition text"},
	{schema: pgCatalog, name: "pg_indexes", oid: 12043, rows: indexTexts,
		columns: "schemaname name, tablename name, indexname name, tablespace name, indexdef text"},
}

func namespaces(m *maker) {
	own := false
	for _, o := range m.Schema.List(table.KindSchema) {
		h := o.Head()
		own = own || h.Name == lamina
		m.add(h.ID, h.Name, UserOID, nil)
	}
	if !own {
		m.add(laminaOID, lamina, UserOID, nil)
	}
}

// tablesOf lists the tables, in the order of their IDs.
func (s *Source) tablesOf() (out []*table.TableDef) {
	for _, o := range s.Schema.List(table.KindTable) {
		if d, ok := o.(*table.TableDef); ok {
			out = append(out, d)
		}
	}
	return out
}

func (s *Source) viewsOf() (out []*table.ViewDef) {
	for _, o := range s.Schema.List(table.KindView) {
		if d, ok := o.(*table.ViewDef); ok {
			out = append(out, d)
		}
	}
	return out
}

// keyIndex is the index of a key of a table.
type keyIndex struct {
	*table.IndexDef
	def *table.TableDef
	key *table.Key
}

func (s *Source) indexesOf() (out []keyIndex) {
	for _, o := range s.Schema.List(table.KindIndex) {
		x, ok := o.(*table.IndexDef)
		if !ok {
			continue
		}
		if def, ok := s.Schema.ByID(x.Table).(*table.TableDef); ok && x.Key < len(def.Keys) {
			out = append(out, keyIndex{x, def, &def.Keys[x.Key]})
		}
	}
	return out
}

// schemaName returns the name of a schema.
func (s *Source) schemaName(id table.ObjectID) string {
	if o := s.Schema.ByID(id); o != nil {
		return o.Head().Name
	}
	return ""
}

// class is what differs between the rows of pg_class.
type class struct {
	oid, schema table.ObjectID
	name        string
	am          int
	rows        float64
	pages       int64
	indexed     bool
	persistence string
	kind        string
	columns     int
	checks      int
	rules       bool
	triggers    bool
	options     any
}

func (m *maker) class(c class) {
	replica := "d"
	if c.kind != "r" {
		replica = "n"
	}
	m.add(c.oid, c.name, c.schema, 0, 0, UserOID, c.am, c.oid, 0, c.pages, c.rows, 0, 0, 0, c.indexed, false, c.persistence, c.kind,
		c.columns, c.checks, c.rules, c.triggers, false, false, false, true, replica, false, 0, 0, 0, nil, c.options, nil)
}

// pageBytes is the size of the pages that pg_class.relpages counts: what a table occupies, in files and in memory.
const pageBytes = 8192

func classes(m *maker) {
	rows, pages := map[table.ObjectID]float64{}, map[table.ObjectID]int64{}
	for _, t := range m.Metrics().Tables {
		rows[t.ID], pages[t.ID] = float64(t.Rows), max((t.FileBytes+t.MemoryBytes+pageBytes-1)/pageBytes, min(t.Rows, 1))
	}
	triggered := m.triggered()
	for _, d := range m.tablesOf() {
		c := class{triggers: triggered[d.ID], oid: d.ID, schema: d.Schema, name: d.Name, am: columnarAM, rows: rows[d.ID], pages: pages[d.ID], indexed: len(d.Keys) > 0,
			persistence: "p", kind: "r", columns: len(d.Columns), checks: len(d.Checks), options: tableOptions(d)}
		switch d.Method {
		case "memory":
			c.am = memoryAM
		case "lsm":
			c.am = lsmAM
		}
		if strings.HasPrefix(m.schemaName(d.Schema), table.TempSchemaPrefix) {
			c.persistence = "t"
		}
		m.class(c)
	}
	for _, d := range m.sequencesOf() {
		m.class(class{oid: d.ID, schema: d.Schema, name: d.Name, rows: 1, persistence: "p", kind: "S", columns: 3})
	}
	for _, d := range m.viewsOf() {
		m.class(class{oid: d.ID, schema: d.Schema, name: d.Name, persistence: "p", kind: "v", columns: len(d.Columns), rules: true})
	}
	for _, x := range m.indexesOf() {
		m.class(class{oid: x.ID, schema: x.Schema, name: x.Name, am: btreeAM, rows: rows[x.Table], persistence: "p", kind: "i",
			columns: len(x.key.Columns)})
	}
	for _, r := range all {
		m.class(class{oid: table.ObjectID(r.oid), schema: schemaOID(r.schema), name: r.name, persistence: "p", kind: r.kind(), columns: len(r.cols)})
	}
}

// kind is pg_class.relkind: what PostgreSQL has as a table is one here too.
func (r *relation) kind() string {
	if r.schema == pgCatalog && r.oid < 12000 {
		return "r"
	}
	return "v"
}

func schemaOID(name string) table.ObjectID {
	switch name {
	case information:
		return informationOID
	case lamina:
		return laminaOID
	}
	return catalogOID
}

func tableOptions(d *table.TableDef) any {
	if len(d.Options) == 0 {
		return nil
	}
	var list []string
	for k, v := range d.Options {
		list = append(list, k+"="+v)
	}
	sort.Strings(list)
	return expr.ArrayText(list)
}

func attributes(m *maker) {
	for _, d := range m.tablesOf() {
		m.attributesOf(d.ID, d.Columns)
	}
	for _, d := range m.viewsOf() {
		m.attributesOf(d.ID, d.Columns)
	}
	for _, x := range m.indexesOf() {
		cols := make([]table.Column, len(x.key.Columns))
		for i, c := range x.key.Columns {
			cols[i] = table.Column{Name: x.def.Columns[c].Name, Type: x.def.Columns[c].Type}
		}
		m.attributesOf(x.ID, cols)
	}
	for _, r := range all {
		m.attributesOf(table.ObjectID(r.oid), r.cols)
	}
}

func (m *maker) attributesOf(id table.ObjectID, cols []table.Column) {
	for i := range cols {
		c := &cols[i]
		p := physicalOf(c.Type.Kind)
		m.add(id, c.Name, c.Type.OID(), c.Type.Size(), i+1, c.Type.Mod, dimensions(c.Type.Kind), p.byValue, p.align, p.storage, compressionLetter(c), c.NotNull,
			c.Default != "" && c.Identity == table.NoIdentity || c.Generated != "", false, identityLetter(c), generatedLetter(c), false, true, 0, collationOf(c.Type.Kind), nil, nil, nil, nil, nil)
	}
}

func dimensions(k types.Kind) int {
	if k.IsArray() && k != types.Int2Vector && k != types.OIDVector {
		return 1
	}
	return 0
}

func collationOf(k types.Kind) int {
	switch k {
	case types.Text, types.Varchar, types.BpChar, types.TextArray:
		return defaultCollation
	case types.Name, types.NameArray:
		return nameCollation
	}
	return 0
}

// derivedOID is the OID of something without an ID of its own: a part of a table, by its number below 4096.
func derivedOID(id table.ObjectID, part int) uint32 { return 1<<31 | uint32(id)<<12 | uint32(part) }

// firstCheck is the number of a table's first CHECK constraint among its parts; those before are its columns.
const firstCheck = 2048

func defaults(m *maker) {
	for _, d := range m.tablesOf() {
		for i := range d.Columns {
			text := m.defaultText(&d.Columns[i])
			if d.Columns[i].Generated != "" {
				text = "(" + d.Columns[i].Generated + ")"
			}
			if text != "" {
				m.add(derivedOID(d.ID, i+1), d.ID, i+1, text)
			}
		}
	}
}

func indexes(m *maker) {
	for _, x := range m.indexesOf() {
		n := len(x.key.Columns)
		var keys, collations, classes, options []int64
		for _, c := range x.key.Columns {
			k := x.def.Columns[c].Type.Kind
			keys, options = append(keys, int64(c+1)), append(options, 0)
			collations, classes = append(collations, int64(collationOf(k))), append(classes, opclassOf(k))
		}
		m.add(x.ID, x.Table, n, n, true, false, x.key.Primary, false, true, false, true, false, true, true, false,
			expr.VectorText(keys), expr.VectorText(collations), expr.VectorText(classes), expr.VectorText(options), nil, nil)
	}
}

// constraint is a constraint of a table.
type constraint struct {
	oid   uint32
	name  string
	kind  string
	def   *table.TableDef
	index table.ObjectID
	cols  []int
	text  string // of CHECK
	// foreign is what a FOREIGN KEY has.
	foreign *foreignKey
}

// constraintsOf lists the constraints by table, PostgreSQL's kinds in the order of their letters.
func (s *Source) constraintsOf() (out []constraint) {
	index := map[table.ObjectID][]keyIndex{}
	for _, x := range s.indexesOf() {
		index[x.Table] = append(index[x.Table], x)
	}
	for _, d := range s.tablesOf() {
		for i := range d.Checks {
			out = append(out, constraint{oid: derivedOID(d.ID, firstCheck+i), name: d.Checks[i].Name, kind: "c", def: d,
				cols: checkColumns(d, d.Checks[i].Expr), text: d.Checks[i].Expr})
		}
		out = append(out, s.foreignOf(d)...)
		for i := range d.Columns {
			if d.Columns[i].NotNull {
				out = append(out, constraint{oid: derivedOID(d.ID, i+1), name: d.Name + "_" + d.Columns[i].Name + "_not_null", kind: "n", def: d, cols: []int{i}})
			}
		}
		for _, x := range index[d.ID] {
			kind := "u"
			if x.key.Primary {
				kind = "p"
			}
			out = append(out, constraint{oid: uint32(x.ID), name: x.key.Name, kind: kind, def: d, index: x.ID, cols: x.key.Columns})
		}
	}
	return out
}

// checkColumns are the columns that a CHECK names, by position.
func checkColumns(d *table.TableDef, text string) (cols []int) {
	e, err := bind.CheckExpr(d, text)
	if err != nil {
		return nil
	}
	expr.Walk(e, func(x expr.Expr) bool {
		if c, ok := x.(*expr.Column); ok && !slices.Contains(cols, c.ID) {
			cols = append(cols, c.ID)
		}
		return true
	})
	slices.Sort(cols)
	return cols
}

func constraints(m *maker) {
	for _, c := range m.constraintsOf() {
		var keys, text any
		if len(c.cols) > 0 {
			keys = expr.ArrayText(numbers(c.cols))
		}
		if c.kind == "c" {
			text = c.text
		}
		f := c.foreign
		parent, update, del, match, refs, set := c.foreignColumns()
		m.add(c.oid, c.name, c.def.Schema, c.kind, f != nil && f.Deferrable, f != nil && f.Deferred, true, f == nil || !f.NotValid, c.def.ID, 0, c.index, 0,
			parent, update, del, match, true, 0, c.kind == "p" || c.kind == "u" || f != nil, false, keys, refs, nil, nil, nil, set, nil, text)
	}
}

// numbers are the numbers of columns, from 1.
func numbers(cols []int) []int {
	out := make([]int, len(cols))
	for i, c := range cols {
		out[i] = c + 1
	}
	return out
}

func tables(m *maker) {
	triggered := m.triggered()
	for _, d := range m.tablesOf() {
		m.add(m.schemaName(d.Schema), d.Name, m.User, nil, len(d.Keys) > 0, false, triggered[d.ID], false)
	}
	for _, r := range all {
		if r.kind() == "r" {
			m.add(r.schema, r.name, m.User, nil, false, false, false, false)
		}
	}
}

func views(m *maker) {
	for _, d := range m.viewsOf() {
		m.add(m.schemaName(d.Schema), d.Name, m.User, viewText(d))
	}
}

func indexTexts(m *maker) {
	list := m.indexesOf()
	slices.SortFunc(list, func(a, b keyIndex) int { return cmp.Compare(a.ID, b.ID) })
	for _, x := range list {
		m.add(m.schemaName(x.Schema), x.def.Name, x.Name, nil, m.indexText(x))
	}
}
