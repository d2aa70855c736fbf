package plan

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/table"
)

// FormatOptions choose what Format prints.
type FormatOptions struct {
	// Costs prints the estimated number of rows.
	Costs bool
	// Verbose prints the output columns.
	Verbose bool
	// Actual, if not nil, returns what an operator did, if it did anything: EXPLAIN ANALYZE.
	Actual func(n Node) (Actual, bool)
	// Timing prints the times of operators.
	Timing bool
}

// Actual is what an operator did.
type Actual struct {
	Rows int64
	// Time is that of all workers, without the operators after it.
	Time time.Duration
	// MemoryBytes is what its state took.
	MemoryBytes int64
	// SpilledBytes is what of it was written to a temporary file, in that many partitions or sorted runs.
	SpilledBytes, Partitions int64
	// Facts name the strategies that were chosen and why.
	Facts []string
}

// detail is what is said of an operator: "Hash Cond: (a = b)", or the value alone.
type detail struct{ name, value string }

func (d detail) String() string {
	if d.name == "" {
		return d.value
	}
	return d.name + ": " + d.value
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
	f.subplans(q.Subplans)
	for i := range q.Shared {
		f.line(q.Shared[i].title())
		f.node(q.Shared[i].Root, "  ->  ", "        ")
		f.subplans(q.Shared[i].Subplans)
	}
	return f.String()
}

func (f *formatter) subplans(list []Subplan) {
	for _, s := range list {
		what := "returns"
		if s.Exists {
			what = "tests existence,"
		}
		f.line(fmt.Sprintf("Subplan $%d (%s once)", s.Param, what))
		f.node(s.Root, "  ->  ", "        ")
	}
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
	f.line(modifyKinds[m.Kind] + " on " + m.Table.Name)
	for _, d := range modifyDetails(m, f.o.Verbose) {
		f.line("  " + d.String())
	}
	f.node(q.Root, "  ->  ", "        ")
}

var modifyKinds = [...]string{"", "Insert", "Update", "Delete", "Merge"}

func modifyDetails(m *Modify, verbose bool) []detail {
	var d []detail
	if m.OnConflict != nil {
		d = append(d, detail{"Conflict Resolution", [...]string{"NOTHING", "UPDATE"}[min(1, len(upsertCols(m)))]})
	}
	if m.Recheck != nil && verbose {
		d = append(d, detail{"Recheck", expr.String(m.Recheck)})
	}
	if m.Rerun {
		d = append(d, detail{"", "Reruns if a row has changed"})
	}
	return d
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
		s += "  (rows=" + strconv.FormatFloat(estimatedRows(n), 'f', 0, 64) + ")"
	}
	actual, ran := f.o.actual(n)
	if ran {
		s += fmt.Sprintf(" (actual rows=%d", actual.Rows)
		if f.o.Timing {
			s += fmt.Sprintf(" time=%.3f ms", milliseconds(actual.Time))
		}
		s += ")"
	}
	f.line(s)
	if f.o.Verbose {
		f.line(rest + "  Output: " + columnNames(n.Columns()))
	}
	for _, d := range details {
		f.line(rest + "  " + d.String())
	}
	if ran {
		f.ran(n, actual, rest+"  ")
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

// ran prints what an operator did, besides rows and time.
func (f *formatter) ran(n Node, a Actual, indent string) {
	if scan, ok := n.(*Scan); ok {
		f.line(indent + "Tier: " + scan.Table.Method)
	}
	for _, fact := range a.Facts {
		f.line(indent + fact)
	}
	if a.MemoryBytes > 0 {
		f.line(fmt.Sprintf("%sMemory: %d kB", indent, kilobytes(a.MemoryBytes)))
	}
	if a.SpilledBytes > 0 {
		f.line(fmt.Sprintf("%sBatches: %d  Disk Usage: %d kB", indent, a.Partitions, kilobytes(a.SpilledBytes)))
	}
}

func (o *FormatOptions) actual(n Node) (Actual, bool) {
	if o.Actual == nil {
		return Actual{}, false
	}
	return o.Actual(n)
}

func estimatedRows(n Node) float64 {
	return math.RoundToEven(min(max(1, n.Estimated()), math.MaxFloat64))
}

func milliseconds(d time.Duration) float64 { return float64(d) / 1e6 }

func kilobytes(n int64) int64 { return (n + 1023) / 1024 }

func columnNames(cols []OutColumn) string {
	names := make([]string, len(cols))
	for i := range cols {
		names[i] = cols[i].Name
	}
	return strings.Join(names, ", ")
}

// title returns an operator's line and what is said about it below.
func title(n Node) (string, []detail) {
	switch n := n.(type) {
	case *Scan:
		return scanTitle(n)
	case *Join:
		return joinTitle(n)
	case *Values:
		if len(n.Out) == 0 && len(n.Tuples) == 1 {
			return "Result", nil
		}
		return "Values", []detail{{"Rows", strconv.Itoa(len(n.Tuples))}}
	case *Filter:
		return "Filter", []detail{{"Cond", expr.String(n.Cond)}}
	case *Project:
		return "Project", []detail{{"Compute", expr.StringList(n.Exprs)}}
	case *Aggregate:
		return aggregateTitle(n)
	case *Sort:
		d := []detail{{"Sort Key", sortKeys(n.Keys)}}
		if n.TopN != nil {
			return "Top-N Sort", append(d, detail{"Rows", expr.String(n.TopN)})
		}
		if n.Groups != nil {
			return "Sort", append(d, detail{"Rows per Group", n.Groups.String()})
		}
		return "Sort", d
	}
	return rareTitle(n)
}

func rareTitle(n Node) (string, []detail) {
	switch n := n.(type) {
	case *Apply:
		return applyTitle(n)
	case *Fetch:
		return fetchTitle(n)
	case *Recursive:
		if n.All {
			return "Recursive Union All", nil
		}
		return "Recursive Union", nil
	case *Held:
		return fmt.Sprintf("Returned Rows of Change %d", n.Of), nil
	case *Working:
		return "Working Table", nil
	case *Shared:
		return "Rows of " + sharedTitle(n.Of, n.Name), nil
	case *Window:
		return "WindowAgg", []detail{{"Compute", windowList(n.Funcs, expr.String)}}
	case *Limit:
		var d []detail
		if n.Count != nil {
			d = append(d, detail{"Count", expr.String(n.Count)})
		}
		if n.Offset != nil {
			d = append(d, detail{"Offset", expr.String(n.Offset)})
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
		return "Unique", []detail{{"Key", expr.StringList(n.Keys)}}
	case *Series:
		return "Series", []detail{{"From", fmt.Sprintf("%s to %s by %s", expr.String(n.Start), expr.String(n.Stop), expr.String(n.Step))}}
	}
	return fmt.Sprintf("%T", n), nil
}

func scanKind(n *Scan) string {
	if n.Key != nil {
		return "Key Lookup"
	}
	return "Seq Scan"
}

func scanTitle(n *Scan) (string, []detail) {
	s := scanKind(n) + " on " + n.Table.Name
	if n.Alias != "" && n.Alias != n.Table.Name {
		s += " " + n.Alias
	}
	var d []detail
	if n.Key != nil {
		parts := make([]string, len(n.Key))
		for i, k := range n.Key {
			parts[i] = fmt.Sprintf("(%s = %s)", n.Table.Columns[n.Table.PrimaryKey()[i]].Name, expr.String(k))
		}
		d = append(d, detail{"Key", strings.Join(parts, " AND ")})
	}
	if n.Filter != nil {
		d = append(d, detail{"Filter", expr.String(n.Filter)})
	}
	return s, d
}

var joinTitles = [...]string{
	"", " Left", " Right", " Full", " Semi", " Anti", " Anti (null-aware)", " Mark", " Single",
	" Right Semi", " Right Anti",
}

func joinTitle(n *Join) (string, []detail) {
	s := "Hash" + joinTitles[n.Kind] + " Join"
	if len(n.LeftKeys) == 0 {
		s = "Nested Loop" + joinTitles[n.Kind] + " Join"
	}
	var d []detail
	if len(n.LeftKeys) > 0 {
		parts := make([]string, len(n.LeftKeys))
		for i := range n.LeftKeys {
			op := " = "
			if i < len(n.NullEqual) && n.NullEqual[i] {
				op = " IS NOT DISTINCT FROM "
			}
			parts[i] = "(" + expr.String(n.LeftKeys[i]) + op + expr.String(n.RightKeys[i]) + ")"
		}
		d = append(d, detail{"Hash Cond", strings.Join(parts, " AND ")})
	}
	if n.Cond != nil {
		d = append(d, detail{"Join Filter", expr.String(n.Cond)})
	}
	return s, d
}

func aggregateTitle(n *Aggregate) (string, []detail) {
	var d []detail
	var keys, determined []expr.Expr
	for i, k := range n.Keys {
		if n.Determined != nil && n.Determined[i] {
			determined = append(determined, k)
		} else {
			keys = append(keys, k)
		}
	}
	if len(n.Keys) > 0 {
		d = append(d, detail{"Group Key", expr.StringList(keys)})
	}
	if len(determined) > 0 {
		d = append(d, detail{"Determined", expr.StringList(determined)})
	}
	if len(n.Aggs) > 0 {
		parts := make([]string, len(n.Aggs))
		for i, a := range n.Aggs {
			parts[i] = expr.String(a)
		}
		d = append(d, detail{"Compute", strings.Join(parts, ", ")})
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

func lockDetails(n *LockRows) []detail {
	var d []detail
	for _, it := range n.Items {
		s := it.Table.Name + " for " + lockName(it.Mode)
		switch it.Wait {
		case table.NoWait:
			s += " nowait"
		case table.SkipLocked:
			s += " skip locked"
		}
		d = append(d, detail{"Lock", s})
	}
	return d
}
