package query

import (
	"sync"

	"github.com/laminadb/lamina/query/ast"
)

// controls keeps the statements of short texts that only begin or end transactions: clients send the same ones over and
// over.
type controls struct {
	mu    sync.RWMutex
	texts map[string][]ast.Statement
}

// Bounds of controls.
const (
	controlsMax    = 64
	controlTextMax = 64
)

// get returns the statements of a text, which must not be changed; nil: they are not known.
func (c *controls) get(text string) []ast.Statement {
	if len(text) > controlTextMax {
		return nil
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.texts[text]
}

// put notes the statements of a text, if that is short and they are of this kind.
func (c *controls) put(text string, list []ast.Statement) {
	if len(text) > controlTextMax || len(list) != 1 {
		return
	}
	if _, ok := list[0].Body.(*ast.Transaction); !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.texts == nil {
		c.texts = map[string][]ast.Statement{}
	}
	if len(c.texts) < controlsMax {
		c.texts[text] = list
	}
}
