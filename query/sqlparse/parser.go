package sqlparse

import (
	"context"
	"sync"

	"github.com/laminadb/lamina/internal/interrupt"
	"github.com/laminadb/lamina/query/ast"
)

const (
	// promptBytes is the size of a text up to which the grammar is done so soon that nobody has to wait for it.
	promptBytes = 32 << 10
	// largeTextsMax bounds how many larger texts are in the grammar at once.
	largeTextsMax = 4
)

// Parser parses texts for callers whose contexts may end. The grammar itself cannot be stopped: a larger text is
// given to it on a goroutine of its own, which a canceled caller leaves behind. There are at most largeTextsMax of
// them, and Close waits for them. Any goroutines may share a Parser.
type Parser struct {
	turns   chan struct{}
	running sync.WaitGroup
}

// NewParser returns a Parser.
func NewParser() *Parser { return &Parser{turns: make(chan struct{}, largeTextsMax)} }

// Close waits for the texts that were left behind. Nothing may be parsed afterwards.
func (p *Parser) Close() { p.running.Wait() }

// Parse is the function of this name; once ctx has ended, it returns its error.
func (p *Parser) Parse(ctx context.Context, text string) ([]ast.Statement, error) {
	poll := interrupt.New(ctx)
	if poll == nil || len(text) <= promptBytes {
		return parse(text, TextBytesMax, poll, grammarParse)
	}
	return parse(text, TextBytesMax, poll, func(text string) (*pgParseResult, error) { return p.large(ctx, text) })
}

// large gives a text to the grammar on another goroutine.
func (p *Parser) large(ctx context.Context, text string) (*pgParseResult, error) {
	select {
	case p.turns <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	type result struct {
		tree *pgParseResult
		err  error
	}
	done := make(chan result, 1)
	p.running.Go(func() {
		defer func() { <-p.turns }()
		tree, err := grammarParse(text)
		done <- result{tree, err}
	})
	select {
	case r := <-done:
		return r.tree, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
