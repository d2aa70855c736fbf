package system

import (
	"fmt"
	"strings"
	"time"

	"github.com/laminadb/lamina/query/bind"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// Source is what the rows are made of.
type Source struct {
	Schema   table.Schema
	User     string
	Database string
	// Method is the access method of tables that do not name one.
	Method   string
	Metrics  func() table.Metrics
	Sessions func() []Session
	Settings func() []Setting
	// Stats returns the estimates about a table.
	Stats func(*table.TableDef) table.Stats
	// RelationText prints the name of a relation, with its schema unless the search path leads to it; nil: the name alone.
	RelationText func(oid uint32) string
	// ExprText prints an expression of a definition as PostgreSQL does.
	Now time.Time
}

// Session is a session of the engine.
type Session struct {
	ID              uint32
	User, Database  string
	Application     string
	State           string
	Query           string
	TxID            uint64
	Started         time.Time
	TxStart, QStart time.Time // zero: none
}

// Setting is a run-time setting.
type Setting struct {
	Name, Value, Boot, Reset, Help, Kind string
	Values                               []string
	Min, Max                             string
	Fixed                                bool
}

// Schemas of the system relations.
const (
	pgCatalog   = "pg_catalog"
	information = "information_schema"
	lamina      = "lamina"
)

// The OIDs of schemas that are not in every catalog.
const (
	catalogOID     = 11
	informationOID = 13000
	laminaOID      = 13001
)

// relation is a system relation.
type relation struct {
	schema, name string
	oid          uint32
	// columns are "name type, …"; types are pg_type names.
	columns string
	rows    func(*maker)
	cols    []table.Column
}

// maker collects the rows of a relation.
type maker struct {
	*Source
	r   *relation
	out []types.Row
}

var (
	byName = map[[2]string]*relation{}
	all    []*relation
)

// firstOtherOID is that of the first relation which has no OID that is the same in all versions of PostgreSQL.
const firstOtherOID = 13100

func init() {
	next := uint32(firstOtherOID)
	for _, list := range [][]relation{objectRelations, typeRelations, emptyRelations, sequenceRelations, stateRelations, informationRelations, laminaRelations} {
		for i := range list {
			r := &list[i]
			if r.oid == 0 {
				r.oid = next
				next++
			}
			r.parse()
			byName[[2]string{r.schema, r.name}] = r
			all = append(all, r)
		}
	}
}

// parse reads the columns. A malformed list is a bug of the table: it panics at start.
func (r *relation) parse() {
	for _, c := range strings.Split(r.columns, ",") {
		name, typ, _ := strings.Cut(strings.TrimSpace(c), " ")
		k, ok := types.KindByTypname(typ)
		if !ok {
			panic("system relation " + r.name + ": no type " + typ)
		}
		r.cols = append(r.cols, table.Column{Name: name, Type: types.T(k)})
	}
}

// Relation returns a relation with its rows; nil if there is none of the name.
func (s *Source) Relation(schema, name string) *bind.SystemTable {
	r := byName[[2]string{schema, name}]
	if r == nil {
		return nil
	}
	m := &maker{Source: s, r: r}
	if r.rows != nil {
		r.rows(m)
	}
	return &bind.SystemTable{Columns: r.cols, Rows: m.out}
}

// OIDOf returns the OID of a relation; 0 if there is none of the name.
func OIDOf(schema, name string) uint32 {
	if r := byName[[2]string{schema, name}]; r != nil {
		return r.oid
	}
	return 0
}

// NameOf returns the schema and name of the relation of an OID; "" if there is none.
func NameOf(oid uint32) (schema, name string) {
	for _, r := range all {
		if r.oid == oid {
			return r.schema, r.name
		}
	}
	return "", ""
}

// add adds a row; nil is NULL.
func (m *maker) add(values ...any) {
	if len(values) != len(m.r.cols) {
		panic(fmt.Sprintf("system relation %s: %d values for %d columns", m.r.name, len(values), len(m.r.cols)))
	}
	row := make(types.Row, len(values))
	for i, v := range values {
		row[i] = datum(m.r.cols[i].Type.Kind, v)
	}
	m.out = append(m.out, row)
}

// datum makes a value of a kind.
func datum(k types.Kind, v any) types.Datum {
	switch v := v.(type) {
	case nil:
		return types.NullOf(k)
	case bool:
		d := types.NewBool(v)
		if k != types.Bool { // yes_or_no of information_schema
			return types.NewString(k, map[bool]string{true: "YES", false: "NO"}[v])
		}
		return d
	case string:
		return types.NewString(k, v)
	case int:
		return number(k, int64(v))
	case int16:
		return number(k, int64(v))
	case int32:
		return number(k, int64(v))
	case int64:
		return number(k, v)
	case uint32:
		return number(k, int64(v))
	case uint64:
		return number(k, int64(v))
	case table.ObjectID:
		return number(k, int64(v))
	case table.LSN:
		return number(k, int64(v))
	case float64:
		return types.NewFloat(k, v)
	case time.Time:
		if v.IsZero() {
			return types.NullOf(k)
		}
		return types.NewInt(k, v.UnixMicro())
	}
	panic(fmt.Sprintf("system relations have no values of type %T", v))
}

func number(k types.Kind, v int64) types.Datum {
	if k.Class() == types.ClassFloat {
		return types.NewFloat(k, float64(v))
	}
	return types.NewInt(k, v)
}
