package opt_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/laminadb/lamina/query/bind"
	"github.com/laminadb/lamina/query/bind/bindtest"
	"github.com/laminadb/lamina/query/opt"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/query/sqlparse"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

func formatError(err error) string {
	e := sqlerr.From(err)
	s := fmt.Sprintf("error %s", e.Code)
	if e.Position > 0 {
		s += fmt.Sprintf(" at %d", e.Position)
	}
	return s + ": " + e.Message + "\n"
}

// env is the catalog and the statistics of one test file.
type env struct {
	schema *bindtest.Schema
	stats  map[string]*table.Stats
}

func (e *env) statsOf(def *table.TableDef) table.Stats {
	if s := e.stats[def.Name]; s != nil {
		return *s
	}
	return table.Stats{Rows: 1000}
}

// setStats reads lines such as "t rows=1000" and "t.a distinct=5 min=1 max=9 nulls=0.1".
func (e *env) setStats(t *testing.T, input string) {
	for _, line := range strings.Split(input, "\n") {
		fields := strings.Fields(line)
		name, col, _ := strings.Cut(fields[0], ".")
		def := e.schema.LookupRelation(table.PublicSchema, name).(*table.TableDef)
		s := e.stats[name]
		if s == nil {
			s = &table.Stats{Columns: make([]table.ColumnStats, len(def.Columns))}
			e.stats[name] = s
		}
		for _, f := range fields[1:] {
			key, val, _ := strings.Cut(f, "=")
			num, _ := strconv.ParseFloat(val, 64)
			if key == "rows" {
				s.Rows = num
				continue
			}
			i := def.ColumnIndex(col)
			if i < 0 {
				t.Fatalf("no column %s", fields[0])
			}
			c := &s.Columns[i]
			var err error
			switch key {
			case "distinct":
				c.Distinct = num
			case "nulls":
				c.NullFraction = num
			case "min":
				c.Min, err = types.Parse(def.Columns[i].Type, val)
			case "max":
				c.Max, err = types.Parse(def.Columns[i].Type, val)
			default:
				t.Fatalf("unknown statistic %s", key)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// bindOne parses and binds one statement.
func (e *env) bindOne(text string) (*bind.Statement, error) {
	stmts, err := sqlparse.Parse(text)
	if err != nil {
		return nil, err
	}
	return bind.New(e.schema, bind.Options{}).Statement(stmts[0], nil)
}

// physical plans a statement, and returns the names of the rules that fired.
func (e *env) physical(text string, disabled map[string]bool) (*plan.Query, map[string]bool, error) {
	s, err := e.bindOne(text)
	if err != nil {
		return nil, nil, err
	}
	fired := map[string]bool{}
	q, err := opt.Optimize(s, opt.Options{
		Stats: e.statsOf, Disabled: disabled,
		Trace: func(rule string, _ plan.Rel) { fired[rule] = true },
	})
	return q, fired, err
}

func TestPlans(t *testing.T) {
	ran := 0
	covered := map[string]map[bool]bool{}
	plans := func(t *testing.T, path string) {
		e := &env{schema: bindtest.New(), stats: map[string]*table.Stats{}}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "exec":
				if err := e.schema.Exec(d.Input); err != nil {
					d.Fatalf(t, "%v", err)
				}
				return ""
			case "stats":
				e.setStats(t, d.Input)
				return ""
			case "bound":
				s, err := e.bindOne(d.Input)
				if err != nil {
					return formatError(err)
				}
				return plan.FormatRel(s.Root)
			case "plan":
				ran++
				disabled := map[string]bool{}
				for _, arg := range d.CmdArgs {
					if arg.Key == "off" {
						disabled[arg.Vals[0]] = true
					}
				}
				q, fired, err := e.physical(d.Input, disabled)
				if err != nil {
					return formatError(err)
				}
				for _, arg := range d.CmdArgs {
					want := arg.Key == "expect"
					if !want && arg.Key != "expect-not" {
						continue
					}
					for _, rule := range arg.Vals {
						if fired[rule] != want {
							d.Fatalf(t, "rule %s fired: %v (all: %v)", rule, fired[rule], fired)
						}
						if covered[rule] == nil {
							covered[rule] = map[bool]bool{}
						}
						covered[rule][want] = true
					}
				}
				return plan.FormatQuery(q, plan.FormatOptions{Costs: !d.HasArg("nocosts"), Verbose: d.HasArg("verbose")})
			}
			d.Fatalf(t, "unknown command %s", d.Cmd)
			return ""
		})
	}
	datadriven.Walk(t, "testdata/plans", plans)
	datadriven.Walk(t, "testdata/rules", plans)
	for _, name := range opt.RuleNames() {
		for _, want := range []bool{true, false} {
			if !covered[name][want] {
				t.Errorf("rule %s has no case with expect=%v", name, want)
			}
		}
	}
	if ran < 20 {
		t.Fatalf("only %d plans were made", ran)
	}
}
