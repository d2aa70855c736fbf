package logictest_test

import (
	"slices"
	"sort"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/types"
)

// steadyZones have had one offset for long: a time of day in them is the same on every day on which the tests run.
var steadyZones = []string{"UTC", "Asia/Kolkata", "America/Phoenix"}

// zonedClock is a text of a time with time zone.
func (g argGen) zonedClock() string {
	switch g.IntN(12) {
	case 0:
		return g.clock() // the session's zone
	case 1:
		return g.day(false) + " " + g.clock() + g.pick(" ", " America/New_York", " europe/berlin", " EST", " MSK")
	case 2:
		return g.clock() + " " + g.zone()
	case 3:
		return g.pick("00:00:00+15:59:59", "24:00:00-15:59:59", "00:00+00", "24:00+00", "23:59:59.9999999+01", "allballs", "04:05:06 dst",
			"04:05 PST dst", "040506-08", "0405+02", "040506.789+08", "T040506-03:30", "2003-04-12 04:05", "04:05:06.789 PM UTC")
	}
	return g.clock() + g.offset()
}

// zonedTimes are the input, the casts, and the operators and functions of time with time zone.
func (g argGen) zonedTimes() []valueGroup {
	var list []valueGroup
	for i, typ := range []string{"timetz", "timetz(0)", "timetz(2)"} {
		group := valueGroup{zone: steadyZones[i], expr: "$1::" + typ, types: []string{"text"}}
		for range 150 {
			s := g.zonedClock()
			if g.oneIn(4) {
				s = g.damage(s)
			}
			group.cases = append(group.cases, valueCase{args: []string{s}})
		}
		list = append(list, group)
	}
	for i, typ := range append(slices.Clone(valueTypes), "timetz", "timetz(3)") {
		zone := steadyZones[i%len(steadyZones)]
		list = append(list, g.zonedCast(typ, "timetz", zone), g.zonedCast("timetz", typ, zone))
	}
	var calls []*expr.Func
	expr.Functions(func(f *expr.Func) {
		if f.Syntax != expr.SyntaxCast && f.OID != 0 && slices.Contains(f.Args, types.TimeTZ) {
			calls = append(calls, f)
		}
	})
	sort.Slice(calls, func(i, j int) bool { return callName(calls[i]) < callName(calls[j]) })
	for i, f := range calls {
		group := g.call(f, steadyZones[i%len(steadyZones)])
		if f.Name == "timezone" && f.Args[0] == types.Text {
			for i := range group.cases {
				group.cases[i].args[0] = g.pick("UTC", "Asia/Kolkata", "EST", "pdt", "JST", "Asia/Kathmandu", "IST", "MSK", "nowhere", "UTC+3", "<+05>-5")
			}
		}
		if f.Name == "timezone" && f.Args[0] == types.Interval { // PostgreSQL takes any interval: to a zone of 577,014 hours, too
			for i := range group.cases {
				group.cases[i].args[0] = g.pick("05:30", "-08:00:30", "00:00", "-15:59:59", "23:00", "1 day", "1 mon 02:00", "infinity", "-00:00:00.9")
			}
		}
		list = append(list, group)
	}
	return list
}

func (g argGen) zonedCast(from, to, zone string) valueGroup {
	group := valueGroup{zone: zone, expr: "$1::" + to, types: []string{from}}
	f, t := kindOf(from), kindOf(to)
	n := 12
	if f != t && !expr.CanCoerce(f, t, expr.Explicit) {
		n = 1
	}
	for range n {
		s := g.arg(f)
		if f.Class() == types.ClassString && t == types.TimeTZ && n > 1 && f != types.Char {
			s = g.zonedClock()
		}
		group.cases = append(group.cases, valueCase{args: []string{s}})
	}
	return group
}
