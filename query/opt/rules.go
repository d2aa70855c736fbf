package opt

import (
	"github.com/laminadb/lamina/query/plan"
)

// Rule rewrites one operator. It must keep the result, and make progress: applied again to its own output
// it changes nothing for ever.
type Rule struct {
	Name string
	// Doc says what the rule does and why it is allowed.
	Doc string
	// apply returns the rewritten operator, or r itself.
	apply func(z *optimizer, r plan.Rel) plan.Rel
}

// Names of steps that are not rewrites of one operator, but can be switched off like rules.
const (
	RuleOrderJoins      = "OrderJoins"
	RuleChooseBuildSide = "ChooseBuildSide"
	RuleKeyLookup       = "KeyLookup"
	// RuleDropLeftJoin drops a left join whose right side nothing reads and matches at most once.
	RuleDropLeftJoin = "DropLeftJoin"
	// RuleDeterminedKeys marks grouping keys that the primary key of their table determines.
	RuleDeterminedKeys = "DeterminedKeys"
	// RuleUnnest makes joins of correlated subqueries; without it each runs once for each combination of
	// the values that it uses.
	RuleUnnest = "Unnest"
)

// RuleNames are the names of all rules and steps that can be switched off.
func RuleNames() []string {
	names := []string{RuleOrderJoins, RuleChooseBuildSide, RuleKeyLookup, RuleDropLeftJoin, RuleDeterminedKeys, RuleUnnest}
	for i := range Rules {
		names = append(names, Rules[i].Name)
	}
	return names
}

// rulePassesMax bounds the passes over a plan; each pass applies every rule everywhere.
const rulePassesMax = 50

// applyRules rewrites a plan until no rule changes it.
func (z *optimizer) applyRules(r plan.Rel) plan.Rel {
	for range rulePassesMax {
		n := z.pass(r)
		if n == r {
			break
		}
		r = n
	}
	return r
}

// pass applies the rules top down: what moves down in a parent is seen by the child in the same pass.
func (z *optimizer) pass(r plan.Rel) plan.Rel {
	for i := range Rules {
		if z.interrupted() != nil {
			return r
		}
		rule := &Rules[i]
		if z.o.Disabled[rule.Name] {
			continue
		}
		if n := rule.apply(z, r); n != r {
			r = n
			if z.o.Trace != nil {
				z.o.Trace(rule.Name, r)
			}
		}
	}
	return plan.MapRels(r, z.pass)
}
