package plan

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/table"
)

// FormatOptions choose what Format prints.
type FormatOptions struct {
	// Costs prints the estimated number of rows.
	Costs bool
	// Verbose prints the output columns.
	Verbose bool
	// Actual, if not nil, returns what to print behind an operator's line: EXPLAIN ANALYZE.
	Actual func(n Node) string
	// Details, if not nil, returns further lines about an operator.
	Details func(n Node) []string
}

// FormatQuery returns a physical plan as text, in the manner of PostgreSQL's EXPLAIN.
func FormatQuery(q *Query, o FormatOptions) string {
	f := formatter{o: o}
	if m := q.Modify; m != nil {
		f.modify(q, m)
	} else {
		f.node(q.Root, "", "")
	}
	for _, c := range q.Changes {
		f.line(fmt.Sprintf("Change %d (runs once)", c.Held))
		for _, l := range strings.Split(strings.TrimRight(FormatQuery(c, FormatOptions{Costs: o.Costs}), "\n"), "\n") {
			f.line("  " + l)
		}
	}
	for _, s := range q.Subplans {
		what := "returns"
		if s.Exists {
			what = "tests existence,"
		}
		f.line(fmt.Sprintf("Subplan $%d (%s once)", s.Param, what))
		f.node(s.Root, "  ->  ", "        ")
	}
	return f.String()
}

// Format returns the tree below an operator as text.
func Format(n Node, o FormatOptions) string {
	f := formatter{o: o}
	f.node(n, "", "")
	return f.String()
}

type formatter struct {
	strings.Builder
	o FormatOptions
}

func (f *formatter) line(s string) {
	f.WriteString(strings.TrimRight(s, " "))
	f.WriteByte('\n')
}

func (f *formatter) modify(q *Query, m *Modify) {
	f.line(fmt.Sprintf("%s on %s", [...]string{"", "Insert", "Update", "Delete", "Merge"}[m.Kind], m.Table.Name))
	if m.OnConflict != nil {
		f.line("  Conflict Resolution: " + [...]string{"NOTHING", "UPDATE"}[min(1, len(upsertCols(m)))])
	}
	if m.Recheck != nil && f.o.Verbose {
		f.line("  Recheck: " + expr.String(m.Recheck))
	}
	if m.Rerun {
		f.line("  Reruns if a row has changed")
	}
	f.node(q.Root, "  ->  ", "        ")
}

func upsertCols(m *Modify) []int {
	if m.Upsert == nil {
		return nil
	}
	return m.Upsert.SetCols
}

func (f *formatter) node(n Node, first, rest string) {
	title, details := title(n)
	s := first + title
	if f.o.Costs {
		s += "  (rows=" + strconv.FormatFloat(max(1, n.Estimated()), 'f', 0, 64) + ")"
	}
	if f.o.Actual != nil {
		s += f.o.Actual(n)
	}
	f.line(s)
	if f.o.Verbose {
		f.line(rest + "  Output: " + columnNames(n.Columns()))
	}
	for _, d := range details {
		f.line(rest + "  " + d)
	}
	if f.o.Details != nil {
		for _, d := range f.o.Details(n) {
			f.line(rest + "  " + d)
		}
	}
	for _, c := range n.Inputs() {
		f.node(c, rest+"  ->  ", rest+"        ")
	}
	if a, ok := n.(*Apply); ok {
		for _, s := range a.Subplans {
			f.line(fmt.Sprintf("%s  Subplan $%d", rest, s.Param))
			f.node(s.Root, rest+"    ->  ", rest+"          ")
		}
	}
}

func columnNames(cols []OutColumn) string {
	names := make([]string, len(cols))
	for i := range cols {
		names[i] = cols[i].Name
	}
	return strings.Join(names, ", ")
}

// title returns an operator's line and what is said about it below.
func title(n Node) (string, []string) {
	switch n := n.(type) {
	case *Scan:
		return scanTitle(n)
	case *Join:
		return joinTitle(n)
	case *Values:
		if len(n.Out) == 0 && len(n.Tuples) == 1 {
			return "Result", nil
		}
		return "Values", []string{fmt.Sprintf("Rows: %d", len(n.Tuples))}
	case *Filter:
		return "Filter", []string{"Cond: " + expr.String(n.Cond)}
	case *Project:
		return "Project", []string{"Compute: " + expr.StringList(n.Exprs)}
	case *Aggregate:
		return aggregateTitle(n)
	case *Sort:
		d := []string{"Sort Key: " + sortKeys(n.Keys)}
		if n.TopN != nil {
			return "Top-N Sort", append(d, "Rows: "+expr.String(n.TopN))
		}
		return "Sort", d
	}
	return rareTitle(n)
}

func rareTitle(n Node) (string, []string) {
	switch n := n.(type) {
	case *Apply:
		return applyTitle(n)
	case *Recursive:
		if n.All {
			return "Recursive Union All", nil
		}
		return "Recursive Union", nil
	case *Held:
		return fmt.Sprintf("Returned Rows of Change %d", n.Of), nil
	case *Working:
		return "Working Table", nil
	case *Window:
		return "WindowAgg", []string{"Compute: " + windowList(n.Funcs, expr.String)}
	case *Limit:
		var d []string
		if n.Count != nil {
			d = append(d, "Count: "+expr.String(n.Count))
		}
		if n.Offset != nil {
			d = append(d, "Offset: "+expr.String(n.Offset))
		}
		return "Limit", d
	case *Append:
		return "Append", nil
	case *SetOp:
		s := [...]string{"SetOp Intersect", "SetOp Except"}[n.Kind]
		if n.All {
			s += " All"
		}
		return s, nil
	case *LockRows:
		return "LockRows", lockDetails(n)
	case *Unique:
		return "Unique", []string{"Key: " + expr.StringList(n.Keys)}
	case *Series:
		return "Series", []string{
			fmt.Sprintf("From: %s to %s by %s", expr.String(n.Start), expr.String(n.Stop), expr.String(n.Step)),
		}
	}
	return fmt.Sprintf("%T", n), nil
}

func scanTitle(n *Scan) (string, []string) {
	s := "Seq Scan on "
	if n.Key != nil {
		s = "Key Lookup on "
	}
	s += n.Table.Name
	if n.Alias != "" && n.Alias != n.Table.Name {
		s += " " + n.Alias
	}
	var d []string
	if n.Key != nil {
		parts := make([]string, len(n.Key))
		for i, k := range n.Key {
			parts[i] = fmt.Sprintf("(%s = %s)", n.Table.Columns[n.Table.PrimaryKey()[i]].Name, expr.String(k))
		}
		d = append(d, "Key: "+strings.Join(parts, " AND "))
	}
	if n.Filter != nil {
		d = append(d, "Filter: "+expr.String(n.Filter))
	}
	return s, d
}

var joinTitles = [...]string{
	"", " Left", " Right", " Full", " Semi", " Anti", " Anti (null-aware)", " Mark", " Single",
}

func joinTitle(n *Join) (string, []string) {
	s := "Hash" + joinTitles[n.Kind] + " Join"
	if len(n.LeftKeys) == 0 {
		s = "Nested Loop" + joinTitles[n.Kind] + " Join"
	}
	var d []string
	if len(n.LeftKeys) > 0 {
		parts := make([]string, len(n.LeftKeys))
		for i := range n.LeftKeys {
			op := " = "
			if i < len(n.NullEqual) && n.NullEqual[i] {
				op = " IS NOT DISTINCT FROM "
			}
			parts[i] = "(" + expr.String(n.LeftKeys[i]) + op + expr.String(n.RightKeys[i]) + ")"
		}
		d = append(d, "Hash Cond: "+strings.Join(parts, " AND "))
	}
	if n.Cond != nil {
		d = append(d, "Join Filter: "+expr.String(n.Cond))
	}
	return s, d
}

func aggregateTitle(n *Aggregate) (string, []string) {
	var d []string
	var keys, determined []expr.Expr
	for i, k := range n.Keys {
		if n.Determined != nil && n.Determined[i] {
			determined = append(determined, k)
		} else {
			keys = append(keys, k)
		}
	}
	if len(n.Keys) > 0 {
		d = append(d, "Group Key: "+expr.StringList(keys))
	}
	if len(determined) > 0 {
		d = append(d, "Determined: "+expr.StringList(determined))
	}
	if len(n.Aggs) > 0 {
		parts := make([]string, len(n.Aggs))
		for i, a := range n.Aggs {
			parts[i] = expr.String(a)
		}
		d = append(d, "Compute: "+strings.Join(parts, ", "))
	}
	if len(n.Keys) == 0 {
		return "Aggregate", d
	}
	return "HashAggregate", d
}

func sortKeys(keys []SortKey) string {
	parts := make([]string, len(keys))
	for i, k := range keys {
		parts[i] = expr.String(k.Expr) + sortOrder(k)
	}
	return strings.Join(parts, ", ")
}

func lockDetails(n *LockRows) []string {
	var d []string
	for _, it := range n.Items {
		s := it.Table.Name + " for " + lockName(it.Mode)
		switch it.Wait {
		case table.NoWait:
			s += " nowait"
		case table.SkipLocked:
			s += " skip locked"
		}
		d = append(d, "Lock: "+s)
	}
	return d
}
