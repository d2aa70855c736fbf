package query

import (
	"strings"
	"sync"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/types"
)

// Bounds of what is remembered of texts: planCacheMax is the number of entries of a cache, planCacheTextMax the length
// of a text, planExecTextMax that of a text which nobody has prepared.
const (
	planCacheMax     = 1024
	planCacheTextMax = 8 << 10
	planExecTextMax  = 1 << 10
)

// planCache keeps what was learnt of texts, by text, parameter types, search path and settings. Plans are checked against
// the catalog's version when they are used. When the cache is full, a tenth of it goes, in no particular order.
// Sessions with debug_plan_cache off plan each text anew, and leave nothing behind.
type planCache[V any] struct {
	mu      sync.Mutex
	entries map[planKey]V
}

type planKey struct {
	text, params, path, zone, rules, late string
	share                                 bool
}

// planKeyOf returns the key of a text in a session.
func planKeyOf(s *Session, text string, params []types.Type) planKey {
	h := s.settings.hot()
	k := planKey{text: text, path: s.planPath(), zone: h.zone, rules: h.disabledRules, late: h.late, share: h.shareAlways}
	if len(params) > 0 {
		var b strings.Builder
		for _, t := range params {
			b.WriteString(t.String())
			b.WriteByte(',')
		}
		k.params = b.String()
	}
	return k
}

func (c *planCache[V]) find(k planKey) V {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.entries[k]
}

func (c *planCache[V]) add(k planKey, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil {
		c.entries = map[planKey]V{}
	}
	dropSome(c.entries, planCacheMax)
	c.entries[k] = v
}

// dropSome makes room in a map that may have so many entries.
func dropSome[K comparable, V any](m map[K]V, most int) {
	if len(m) < most {
		return
	}
	n := most / 10
	for old := range m {
		if delete(m, old); n <= 1 {
			return
		}
		n--
	}
}

// cachedPlan returns a private copy of a cached statement, or nil. Transactions that changed the schema do not share plans,
// since others do not see what they see.
func (s *Session) cachedPlan(text string, params []types.Type) *Prepared {
	if len(text) > planCacheTextMax || s.settings.hot().noCache || s.closedFlag || s.tx.failed {
		return nil
	}
	p := s.e.plans.find(planKeyOf(s, text, params))
	if p == nil {
		return nil
	}
	return p.private()
}

// private returns a copy with buffers of its own.
func (p *Prepared) private() *Prepared {
	q := *p
	q.run, q.described = shortRun{}, false
	return &q
}

// cachePlan remembers the plan of a query or data change for other sessions.
func (s *Session) cachePlan(text string, params []types.Type, p *Prepared) {
	if p.q == nil || p.q.Fresh || s.settings.hot().noCache || len(text) > planCacheTextMax {
		return
	}
	switch p.stmt.Body.(type) {
	case *ast.Query, *ast.Insert, *ast.Update, *ast.Delete, *ast.Merge:
		s.e.plans.add(planKeyOf(s, text, params), p.private())
	}
}
