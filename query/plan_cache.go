package query

import (
	"strings"
	"sync"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/types"
)

// planCacheMax bounds the number of cached plans; planCacheTextMax the length of a cached text.
const (
	planCacheMax     = 1024
	planCacheTextMax = 8 << 10
)

// planCache keeps the plans of queries and data changes by text, parameter types and search path. A
// plan is checked against the catalog's version when it is used. When the cache is full, a tenth of it
// goes, in no particular order. Sessions with debug_plan_cache off plan each text anew, and leave nothing behind.
type planCache struct {
	mu    sync.Mutex
	plans map[planKey]*Prepared
}

type planKey struct{ text, params, path, zone, rules, late string }

func (c *planCache) init() { c.plans = map[planKey]*Prepared{} }

func (c *planCache) key(s *Session, text string, params []types.Type) planKey {
	k := planKey{
		text: text, path: s.planPath(), zone: s.settings.get(settings["TimeZone"]),
		rules: s.settings.hot().disabledRules, late: s.settings.hot().late,
	}
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

// get returns a private copy of a cached statement, or nil. Transactions that changed the schema do not
// share plans, since others do not see what they see.
func (c *planCache) get(s *Session, text string, params []types.Type) *Prepared {
	if len(text) > planCacheTextMax || s.settings.hot().noCache || s.closedFlag || s.tx.failed {
		return nil
	}
	k := c.key(s, text, params)
	c.mu.Lock()
	p := c.plans[k]
	c.mu.Unlock()
	if p == nil {
		return nil
	}
	q := *p
	q.run = shortRun{} // its buffers are another session's
	return &q
}

func (c *planCache) put(s *Session, text string, params []types.Type, p *Prepared) {
	if p.q == nil || p.q.Fresh || s.settings.hot().noCache || len(text) > planCacheTextMax {
		return
	}
	switch p.stmt.Body.(type) {
	case *ast.Query, *ast.Insert, *ast.Update, *ast.Delete, *ast.Merge:
	default:
		return
	}
	q := *p
	q.run, q.described = shortRun{}, false
	k := c.key(s, text, params)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.plans) >= planCacheMax {
		n := planCacheMax / 10
		for old := range c.plans {
			delete(c.plans, old)
			if n--; n == 0 {
				break
			}
		}
	}
	c.plans[k] = &q
}
