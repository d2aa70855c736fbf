package query

import (
	"context"
	"strings"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/exec"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// Texts that clients send without preparing them are often known: the same text has come before, or one that differs in
// literals only. Then nothing is parsed nor planned.
//
//	text ── in the session? ── in the engine's plans? ── shape ── in the session? ── in the engine's shapes? ──▶ plan
//
// A plan belongs to a shape (see shapeScanner) only if
//
//   - the text with parameters in place of the literals is planned without error, each with the type that its literal
//     has, or, for a string, one of which every text means the same value wherever it stands,
//   - and it reads or writes at most one row by key (exec.Short): no estimate depends on the values then.
//
// Of an INSERT with several rows of literals the plan of the first row runs for all of them.
//
// The values are converted before the statement runs. What fails on the way, conversions among it, is left to the text
// itself, whose errors have messages and positions of their own; and so is a statement whose plan has got out of date
// when it is run. debug_shared_plans says whether shapes are used at all, at once, or only from the second text on, so
// that texts whose shape never comes back are not planned twice.

// knownMax bounds the statements that a session keeps ready to run.
const knownMax = 64

// knownPlans are statements that a session has run before, with their buffers, by text or shape. Each is used by one
// run after the other.
type knownPlans struct {
	plans map[string]*Prepared
	// They hold for these settings, and temporary relations.
	changes uint64
	temp    string
	// last has run last: its row stays in memory until another statement runs.
	last *Prepared
}

// of returns the statements that hold for the session now.
func (k *knownPlans) of(s *Session) map[string]*Prepared {
	if k.plans == nil || k.changes != s.settings.changes || k.temp != s.temp {
		*k = knownPlans{plans: map[string]*Prepared{}, changes: s.settings.changes, temp: s.temp}
	}
	return k.plans
}

// use says that a statement runs next.
func (k *knownPlans) use(p *Prepared) {
	was := k.last
	k.last = p
	if was == nil || was == p {
		return
	}
	if was.run.x != nil && was.run.last != nil && was.run.last.done {
		was.run.x.Forget()
		was.run.last = nil
	}
	if was.literals != nil {
		was.literals, was.more, was.text = []types.Datum{}, nil, ""
	}
}

// add notes a statement.
func (k *knownPlans) add(s *Session, text string, p *Prepared) {
	m := k.of(s)
	dropSome(m, knownMax)
	m[text] = p
}

// shapePlan is what is known of a shape.
type shapePlan struct {
	p *Prepared // nil: it was seen once, or no plan belongs to it
	// tried: p is what came of it under this version of the catalog.
	tried   bool
	version uint64
}

// PrepareOnce is PrepareText for a statement that is run once, before the session does anything else. If there will be no
// values for parameters, literals may get some.
func (s *Session) PrepareOnce(ctx context.Context, text string, values int) (*Prepared, error) {
	if p := s.known(ctx, text, values == 0); p != nil {
		return p, nil
	}
	return s.PrepareText(ctx, text, nil)
}

// PrepareKnown is PrepareOnce for texts of any number of statements: nil if this is not a single one that is known. Then
// they are parsed, and prepared by PrepareOf.
func (s *Session) PrepareKnown(ctx context.Context, text string) *Prepared {
	return s.known(ctx, text, true)
}

// PrepareOf prepares one of the statements of a text that has no values for parameters, and remembers it if it is the only
// one.
func (s *Session) PrepareOf(ctx context.Context, text string, list []ast.Statement, i int) (*Prepared, error) {
	p, err := s.Prepare(ctx, &list[i], nil)
	if err == nil && len(list) == 1 && len(text) <= planExecTextMax {
		s.cachePlan(text, nil, p)
	}
	return p, err
}

// known returns a statement that need be neither parsed nor planned, nil if there is none. shapes says that literals may
// have become parameters.
func (s *Session) known(ctx context.Context, text string, shapes bool) (p *Prepared) {
	if len(text) > shapeTextMax || s.settings.hot().noCache || s.closedFlag || s.tx.failed || !s.mayRun(ctx) {
		return nil
	}
	if p = s.ready.of(s)[text]; p == nil {
		if p = s.cachedPlan(text, nil); p != nil {
			s.ready.add(s, text, p)
		}
	}
	if p == nil {
		if shapes && s.settings.hot().sharedPlans != sharedPlansOff {
			p = s.shared(ctx, text)
		}
	} else {
		was := p.q
		if s.plan(ctx, p) != nil {
			return nil
		}
		if p.q != was {
			s.cachePlan(text, nil, p)
		}
	}
	if p != nil {
		s.ready.use(p)
	}
	return p
}

// shared returns the plan of a text's shape with the values of its literals; nil if there is none.
func (s *Session) shared(ctx context.Context, text string) *Prepared {
	h := s.settings.hot()
	if !s.shape.scan(text) || s.shape.width > 0 && (h.vectorForms || h.noShort) { // then nothing is short
		return nil
	}
	p := s.ready.of(s)[string(s.shape.key)]
	if p != nil && (p.literals == nil || !s.planned(ctx, p)) {
		p = nil // it was planned again, as the text that it was at the time
	}
	if p == nil {
		if p = s.sharedPlan(ctx); p == nil {
			return nil
		}
		p = p.private()
		s.ready.add(s, string(s.shape.key), p)
	}
	width := len(p.Params)
	if len(s.shape.literals) > width && !severalRows(p.q) {
		return nil
	}
	values := make([]types.Datum, len(s.shape.literals))
	for i := range values {
		var err error
		if values[i], err = s.shapeValue(i, p.Params[i%width]); err != nil {
			return nil
		}
	}
	p.literals, p.more, p.text = values[:width], nil, strings.Trim(text, " \t\r\n;")
	if len(values) > width {
		p.more = values
	}
	return p
}

// sharedPlan returns the engine's plan for the shape that was scanned, and makes it if it is time to.
func (s *Session) sharedPlan(ctx context.Context) *Prepared {
	tx, err := s.storageTx(ctx)
	if err != nil {
		return nil
	}
	version := tx.Schema().Version()
	h := s.settings.hot()
	k := planKeyOf(s, string(s.shape.key), nil)
	known := s.e.shapes.find(k)
	switch {
	case known.p != nil && s.planned(ctx, known.p):
		return known.p
	case known.p == nil && known.tried && known.version == version:
		return nil
	}
	now := shapePlan{version: version}
	if known.version != 0 || h.sharedPlans == sharedPlansAlways {
		now.p, now.tried = s.planShape(ctx), true
	}
	if ctx.Err() == nil {
		s.e.shapes.add(k, now)
	}
	return now.p
}

// planShape plans the text that was scanned with parameters in place of its literals; nil if no plan belongs to its
// shape.
func (s *Session) planShape(ctx context.Context) *Prepared {
	text, given := s.shape.parameters()
	list, err := s.e.parser.Parse(ctx, text)
	if err != nil || len(list) != 1 {
		return nil
	}
	p := &Prepared{stmt: &list[0], given: given, kind: kindOf(list[0].Body)}
	if s.plan(ctx, p) != nil || !shapePlanFits(p.q, given) {
		return nil
	}
	return p
}

// shapePlanFits reports whether a plan belongs to a shape with literals of these kinds.
func shapePlanFits(q *plan.Query, given []types.Type) bool {
	if q.Fresh || len(q.Params) != len(given) {
		return false
	}
	for i, t := range q.Params {
		if given[i].Kind == types.Unknown && !plainTexts(t.Kind) || given[i].Kind != types.Unknown && t != given[i] {
			return false
		}
	}
	x, err := exec.ShortOf(q)
	return x != nil && err == nil
}

// severalRows reports whether a plan that belongs to a shape may run for several rows of VALUES.
func severalRows(q *plan.Query) bool {
	return q.Modify != nil && q.Modify.Kind == plan.Insert
}

// plainTexts reports whether literals of a type are the values that their texts are.
func plainTexts(k types.Kind) bool {
	switch k {
	case types.Text, types.Varchar, types.BpChar, types.Bool, types.Int2, types.Int4, types.Int8, types.Float4, types.Float8,
		types.Numeric, types.UUID, types.Bytea:
		return true
	}
	return isTimeKind(k)
}

func isTimeKind(k types.Kind) bool {
	return k == types.Date || k == types.Timestamp || k == types.TimestampTZ
}

var errNoPlainText = sqlerr.New(sqlerr.InvalidDatetimeFormat, "the text may mean different values")

// shapeValue returns the value of a literal of the text that was scanned for a parameter.
func (s *Session) shapeValue(i int, t types.Type) (types.Datum, error) {
	d, err := s.shape.value(i)
	switch {
	case err != nil:
		return d, err
	case !d.Valid:
		return types.NullOf(t.Kind), nil
	case d.K != types.Unknown:
		return d, nil
	}
	if isTimeKind(t.Kind) && (d.S == "" || !isDigit(d.S[0])) {
		return d, errNoPlainText // 'now', 'infinity', …
	}
	return s.ConvertParam(d, t)
}

// planText makes a statement with the values of literals one of its text, before it is planned again: the literals may
// mean something else for the tables as they are now.
func (s *Session) planText(ctx context.Context, p *Prepared) error {
	list, err := s.e.parser.Parse(ctx, p.text)
	if err != nil {
		return err
	}
	if len(list) != 1 {
		return errTablesChange
	}
	p.stmt, p.given, p.literals, p.more, p.Params, p.q = &list[0], nil, nil, nil, nil, nil
	return nil
}
