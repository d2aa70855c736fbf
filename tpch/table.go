package tpch

import (
	"strconv"
	"strings"
)

// A Table is one of the eight tables.
type Table uint8

// The tables, in an order in which a referenced table comes before the tables that refer to it.
const (
	Region Table = iota
	Nation
	Part
	Supplier
	PartSupp
	Customer
	Orders
	LineItem
	numTables
)

// Tables returns all tables in the order of their constants.
func Tables() []Table {
	return []Table{Region, Nation, Part, Supplier, PartSupp, Customer, Orders, LineItem}
}

// Name returns the SQL name of the table.
func (t Table) Name() string {
	if t >= numTables {
		return "table " + strconv.Itoa(int(t))
	}
	return schema[t].name
}

// String returns the SQL name of the table.
func (t Table) String() string { return t.Name() }

// Columns describes the columns of the table. The caller must not change it.
func (t Table) Columns() []ColumnDef {
	if t >= numTables {
		return nil
	}
	return schema[t].columns
}

// PrimaryKey returns the positions of the key columns. The caller must not change it.
func (t Table) PrimaryKey() []int {
	if t >= numTables {
		return nil
	}
	return schema[t].key
}

// TableNamed returns the table with a SQL name.
func TableNamed(name string) (Table, bool) {
	for _, t := range Tables() {
		if t.Name() == name {
			return t, true
		}
	}
	return 0, false
}

// Kind is the SQL type of a column, without its length.
type Kind uint8

// The kinds.
const (
	BigInt  Kind = iota // bigint
	Integer             // integer
	Decimal             // numeric(15,2)
	Date                // date
	Char                // char(n)
	VarChar             // varchar(n)
)

// A ColumnDef describes a column.
type ColumnDef struct {
	Name string
	Kind Kind
	// Length is n of char(n) and varchar(n).
	Length int
	// Nullable columns have no NULL in the data, the benchmark only permits it.
	Nullable bool
	// whole decimals have no fraction in the text form of dbgen.
	whole bool
}

// SQLType returns the type as it is written in CREATE TABLE.
func (c ColumnDef) SQLType() string {
	switch c.Kind {
	case BigInt:
		return "bigint"
	case Integer:
		return "integer"
	case Decimal:
		return "numeric(15,2)"
	case Date:
		return "date"
	case Char:
		return "char(" + strconv.Itoa(c.Length) + ")"
	}
	return "varchar(" + strconv.Itoa(c.Length) + ")"
}

// DDL returns the CREATE TABLE statement of a table, with its primary key and without foreign keys.
func DDL(t Table) string {
	var b strings.Builder
	b.WriteString("CREATE TABLE " + t.Name() + " (\n")
	for _, c := range t.Columns() {
		b.WriteString("    " + c.Name + " " + c.SQLType())
		if !c.Nullable {
			b.WriteString(" NOT NULL")
		}
		b.WriteString(",\n")
	}
	keys := make([]string, 0, 2)
	for _, k := range t.PrimaryKey() {
		keys = append(keys, t.Columns()[k].Name)
	}
	b.WriteString("    PRIMARY KEY (" + strings.Join(keys, ", ") + ")\n)")
	return b.String()
}

type tableDef struct {
	name    string
	columns []ColumnDef
	key     []int
}

func bigint(name string) ColumnDef         { return ColumnDef{Name: name, Kind: BigInt} }
func integer(name string) ColumnDef        { return ColumnDef{Name: name, Kind: Integer} }
func decimal(name string) ColumnDef        { return ColumnDef{Name: name, Kind: Decimal} }
func date(name string) ColumnDef           { return ColumnDef{Name: name, Kind: Date} }
func char(name string, n int) ColumnDef    { return ColumnDef{Name: name, Kind: Char, Length: n} }
func varchar(name string, n int) ColumnDef { return ColumnDef{Name: name, Kind: VarChar, Length: n} }
func nullable(c ColumnDef) ColumnDef       { c.Nullable = true; return c }

var schema = [numTables]tableDef{
	Region: {"region", []ColumnDef{
		bigint("r_regionkey"), char("r_name", 25), nullable(varchar("r_comment", 152)),
	}, []int{0}},
	Nation: {"nation", []ColumnDef{
		bigint("n_nationkey"), char("n_name", 25), bigint("n_regionkey"), nullable(varchar("n_comment", 152)),
	}, []int{0}},
	Part: {"part", []ColumnDef{
		bigint("p_partkey"), varchar("p_name", 55), char("p_mfgr", 25), char("p_brand", 10),
		varchar("p_type", 25), integer("p_size"), char("p_container", 10), decimal("p_retailprice"),
		varchar("p_comment", 23),
	}, []int{0}},
	Supplier: {"supplier", []ColumnDef{
		bigint("s_suppkey"), char("s_name", 25), varchar("s_address", 40), bigint("s_nationkey"),
		char("s_phone", 15), decimal("s_acctbal"), varchar("s_comment", 101),
	}, []int{0}},
	PartSupp: {"partsupp", []ColumnDef{
		bigint("ps_partkey"), bigint("ps_suppkey"), integer("ps_availqty"), decimal("ps_supplycost"),
		varchar("ps_comment", 199),
	}, []int{0, 1}},
	Customer: {"customer", []ColumnDef{
		bigint("c_custkey"), varchar("c_name", 25), varchar("c_address", 40), bigint("c_nationkey"),
		char("c_phone", 15), decimal("c_acctbal"), char("c_mktsegment", 10), varchar("c_comment", 117),
	}, []int{0}},
	Orders: {"orders", []ColumnDef{
		bigint("o_orderkey"), bigint("o_custkey"), char("o_orderstatus", 1), decimal("o_totalprice"),
		date("o_orderdate"), char("o_orderpriority", 15), char("o_clerk", 15), integer("o_shippriority"),
		varchar("o_comment", 79),
	}, []int{0}},
	LineItem: {"lineitem", []ColumnDef{
		bigint("l_orderkey"), bigint("l_partkey"), bigint("l_suppkey"), integer("l_linenumber"),
		{Name: "l_quantity", Kind: Decimal, whole: true}, decimal("l_extendedprice"), decimal("l_discount"), decimal("l_tax"),
		char("l_returnflag", 1), char("l_linestatus", 1), date("l_shipdate"), date("l_commitdate"),
		date("l_receiptdate"), char("l_shipinstruct", 25), char("l_shipmode", 10), varchar("l_comment", 44),
	}, []int{0, 3}},
}
