package isolation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/laminadb/lamina/internal/history"
	"github.com/laminadb/lamina/sqlerr"
)

// step is a statement of one session. Of a step that shows an anomaly, evidence is the answer that does.
type step struct {
	session  string
	sql      string
	evidence string
}

// parseSteps reads lines of the form "session: SQL => evidence".
func parseSteps(text string) (steps []step, err error) {
	for _, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		session, rest, ok := strings.Cut(line, ": ")
		if !ok {
			return nil, fmt.Errorf("%q is not a session, a colon and SQL", line)
		}
		sql, evidence, _ := strings.Cut(rest, " => ")
		steps = append(steps, step{session, sql, evidence})
	}
	return steps, nil
}

// server is a database on which schedules run.
type server interface {
	connect(ctx context.Context) (querier, error)
	// waiting returns the number of sessions that wait for locks at this moment.
	waiting(ctx context.Context) (int, error)
}

// actor runs the statements of a session in a goroutine of its own.
type actor struct {
	name    string
	q       querier
	work    chan string
	answers chan string
	// waits: the last statement was not answered yet; at is its place.
	waits bool
	at    int
}

func newActor(ctx context.Context, name string, s server) (*actor, error) {
	q, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	a := &actor{name: name, q: q, work: make(chan string), answers: make(chan string, 1)}
	go func() {
		for sql := range a.work {
			a.answers <- a.run(ctx, sql)
		}
		close(a.answers)
	}()
	return a, nil
}

// run runs a statement: its answer is the rows, the tag, or the SQLSTATE.
func (a *actor) run(ctx context.Context, sql string) string {
	if !strings.HasPrefix(sql, "SELECT") {
		r, err := a.q.exec(ctx, sql)
		if err != nil {
			return "ERROR " + string(codeOf(err))
		}
		return r.tag
	}
	rows, err := a.q.query(ctx, sql)
	if err != nil {
		return "ERROR " + string(codeOf(err))
	}
	var lines []string
	for _, r := range rows {
		lines = append(lines, strings.Join(r, "|"))
	}
	slices.Sort(lines)
	return "[" + strings.Join(lines, " ") + "]"
}

func (a *actor) close() error {
	close(a.work)
	for range a.answers { // of the last statement
	}
	return a.q.close()
}

// performance is a run of a schedule at a level.
type performance struct {
	s       server
	steps   []step
	actors  map[string]*actor
	answers []string
	lines   []string
}

// perform runs a schedule: each step is waited for until it is answered, or waits for another session. It returns
// the answers as lines, and whether the anomaly was seen: all steps with evidence were answered by it.
func perform(ctx context.Context, s server, level history.Level, steps []step) (lines []string, seen bool, err error) {
	p := &performance{s: s, steps: steps, actors: map[string]*actor{}, answers: make([]string, len(steps))}
	defer func() {
		for _, a := range p.actors {
			err = errors.Join(err, a.close())
		}
	}()
	for i := range steps {
		if err := p.step(ctx, i, level); err != nil {
			return nil, false, err
		}
	}
	seen = true
	for i := range steps {
		if e := steps[i].evidence; e != "" {
			seen = seen && p.answers[i] == e
		}
	}
	return p.lines, seen, nil
}

// actor returns the actor of a session; a new session has the level by default.
func (p *performance) actor(ctx context.Context, name string, level history.Level) (*actor, error) {
	if a := p.actors[name]; a != nil {
		return a, nil
	}
	a, err := newActor(ctx, name, p.s)
	if err != nil {
		return nil, err
	}
	p.actors[name] = a
	_, err = a.q.exec(ctx, fmt.Sprintf("SET default_transaction_isolation = '%v'", level))
	return a, err
}

func (p *performance) step(ctx context.Context, i int, level history.Level) error {
	a, err := p.actor(ctx, p.steps[i].session, level)
	if err != nil {
		return err
	}
	if a.waits {
		return fmt.Errorf("step %d is of session %s, which waits", i+1, a.name)
	}
	a.waits, a.at = true, i
	a.work <- p.steps[i].sql
	if err := p.settle(ctx); err != nil {
		return fmt.Errorf("step %d: %w", i+1, err)
	}
	if a.waits && a.at == i {
		p.lines = append(p.lines, a.name+": waits")
	}
	return nil
}

// settleMax bounds how often it is looked whether a step has been answered.
const settleMax = 200_000

// settle waits until each session has answered or waits for a lock.
func (p *performance) settle(ctx context.Context) error {
	var lines []string // of this step: who answers first does not matter
	defer func() {
		slices.Sort(lines)
		p.lines = append(p.lines, lines...)
	}()
	for range settleMax {
		open := 0
		for _, name := range p.names() {
			a := p.actors[name]
			if !a.waits {
				continue
			}
			select {
			case r := <-a.answers:
				a.waits = false
				p.answers[a.at] = r
				lines = append(lines, a.name+": "+r)
			default:
				open++
			}
		}
		if open == 0 {
			return nil
		}
		n, err := p.s.waiting(ctx)
		if err != nil {
			return err
		}
		if n == open && p.quiet() {
			return nil
		}
		pause()
	}
	return errors.New("a session neither answers nor waits")
}

// quiet reports whether no answer has come meanwhile.
func (p *performance) quiet() bool {
	for _, a := range p.actors {
		if a.waits && len(a.answers) > 0 {
			return false
		}
	}
	return true
}

func (p *performance) names() (names []string) {
	for name := range p.actors {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// codeOf returns the SQLSTATE of an error, of Lamina or of PostgreSQL.
func codeOf(err error) sqlerr.Code {
	if errors.Is(err, errGone) {
		return sqlerr.SerializationFailure
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return sqlerr.Code(pg.Code)
	}
	return sqlerr.CodeOf(err)
}
