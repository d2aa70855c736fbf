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

// Step is a part of planning that is no rewrite of one operator, but can be switched off like a rule.
type Step struct {
	Name string
	// Doc says what the step does and why it is allowed.
	Doc string
}

// Names of the steps.
const (
	RuleOrderJoins      = "OrderJoins"
	RuleChooseBuildSide = "ChooseBuildSide"
	RuleKeyLookup       = "KeyLookup"
	RuleDropLeftJoin    = "DropLeftJoin"
	RuleDropReferenced  = "DropReferenced"
	RuleDeterminedKeys  = "DeterminedKeys"
	RuleUnnest          = "Unnest"
	RuleFetchLate       = "FetchLate"
	RuleSharePlans      = "SharePlans"
)

// RuleNames are the names of all rules and steps that can be switched off.
func RuleNames() []string {
	var names []string
	for i := range Steps {
		names = append(names, Steps[i].Name)
	}
	for i := range Rules {
		names = append(names, Rules[i].Name)
	}
	return names
}

// fired tells that a rule or step has made r.
func (z *optimizer) fired(name string, r plan.Rel) {
	if z.o.Trace != nil {
		z.o.Trace(name, r)
	}
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
			z.fired(rule.Name, r)
		}
	}
	return plan.MapRels(r, z.pass)
}
