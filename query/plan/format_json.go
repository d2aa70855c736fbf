package plan

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"time"
)

// FormatJSON returns a physical plan as a JSON document of the form of PostgreSQL's EXPLAIN (FORMAT JSON): a list of one object,
// whose "Plan" is the tree of operators. The names are PostgreSQL's where it has such a thing. Times are those of FormatQuery.
func FormatJSON(q *Query, o FormatOptions, times Times) (string, error) {
	f := jsonFormatter{o: o}
	whole := f.query(q)
	for _, t := range []struct {
		name string
		time *time.Duration
	}{{"Planning Time", times.Planning}, {"Execution Time", times.Execution}} {
		if t.time != nil {
			whole.add(t.name, jsonTime(*t.time))
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode([]*object{whole})
	return strings.TrimRight(b.String(), "\n"), err
}

// Times are those of a whole statement; nil: not shown.
type Times struct{ Planning, Execution *time.Duration }

type jsonFormatter struct{ o FormatOptions }

func (f *jsonFormatter) query(q *Query) *object {
	whole := &object{}
	root := f.node(q.Root)
	if m := q.Modify; m != nil {
		n := &object{}
		n.add("Node Type", modifyKinds[m.Kind])
		n.add("Relation Name", m.Table.Name)
		n.details(modifyDetails(m, f.o.Verbose))
		n.add("Plans", []*object{root})
		root = n
	}
	whole.add("Plan", root)
	var changes []*object
	for _, c := range q.Changes {
		n := &object{}
		n.add("Change", c.Held)
		*n = append(*n, *f.query(c)...)
		changes = append(changes, n)
	}
	whole.addList("Changes", changes)
	whole.addList("Subplans", f.subplans(q.Subplans))
	var shared []*object
	for _, s := range q.Shared {
		n := &object{}
		n.add("Shared", s.Of)
		if s.Name != "" {
			n.add("CTE Name", s.Name)
		}
		n.add("Plan", f.node(s.Root))
		n.addList("Subplans", f.subplans(s.Subplans))
		shared = append(shared, n)
	}
	whole.addList("Shared", shared)
	return whole
}

func (f *jsonFormatter) subplans(list []Subplan) []*object {
	var out []*object
	for _, s := range list {
		n := &object{}
		n.add("Parameter", s.Param)
		if s.Exists {
			n.add("Tests Existence", true)
		}
		n.add("Plan", f.node(s.Root))
		out = append(out, n)
	}
	return out
}

func (f *jsonFormatter) node(n Node) *object {
	out := &object{}
	kind, details := title(n)
	if s, ok := n.(*Scan); ok {
		out.add("Node Type", scanKind(s))
		out.add("Relation Name", s.Table.Name)
		if s.Alias != "" {
			out.add("Alias", s.Alias)
		}
	} else {
		out.add("Node Type", kind)
	}
	if f.o.Costs {
		out.add("Plan Rows", estimatedRows(n))
	}
	a, ran := f.o.actual(n)
	if ran {
		f.ran(out, n, a)
	}
	if f.o.Verbose {
		names := []string{}
		for _, c := range n.Columns() {
			names = append(names, c.Name)
		}
		out.add("Output", names)
	}
	out.details(details)
	if len(a.Facts) > 0 {
		out.add("Facts", a.Facts)
	}
	var inputs []*object
	for _, c := range n.Inputs() {
		inputs = append(inputs, f.node(c))
	}
	out.addList("Plans", inputs)
	if x, ok := n.(*Apply); ok {
		out.addList("Subplans", f.subplans(x.Subplans))
	}
	return out
}

func (f *jsonFormatter) ran(out *object, n Node, a Actual) {
	out.add("Actual Rows", a.Rows)
	if f.o.Timing {
		out.add("Actual Time", jsonTime(a.Time))
	}
	if s, ok := n.(*Scan); ok {
		out.add("Tier", s.Table.Method)
	}
	if a.MemoryBytes > 0 {
		out.add("Memory Usage", kilobytes(a.MemoryBytes))
	}
	if a.SpilledBytes > 0 {
		out.add("Batches", a.Partitions)
		out.add("Disk Usage", kilobytes(a.SpilledBytes))
	}
}

// jsonTime is a time in milliseconds.
func jsonTime(d time.Duration) float64 { return math.Round(milliseconds(d)*1000) / 1000 }

// object is a JSON object whose members have an order.
type object []member

type member struct {
	name  string
	value any
}

func (o *object) add(name string, value any) { *o = append(*o, member{name, value}) }

// addList adds a list that is not empty.
func (o *object) addList(name string, list []*object) {
	if len(list) > 0 {
		o.add(name, list)
	}
}

// details adds what is said of an operator: names that occur several times once, with a list; what has no name as notes.
func (o *object) details(list []detail) {
	var names []string
	values := map[string][]string{}
	for _, d := range list {
		if d.name == "" {
			d.name = "Notes"
		}
		if values[d.name] == nil {
			names = append(names, d.name)
		}
		values[d.name] = append(values[d.name], d.value)
	}
	for _, name := range names {
		if v := values[name]; len(v) == 1 && name != "Notes" {
			o.add(name, v[0])
		} else {
			o.add(name, v)
		}
	}
}

// MarshalJSON writes the members in their order.
func (o *object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	b.WriteByte('{')
	for i, m := range *o {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := e.Encode(m.name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := e.Encode(m.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
