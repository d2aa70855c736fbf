package versus

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Options say how much is measured; all but Loaded and ProfileDir must be set.
type Options struct {
	Settings
	// Runs of every query on every system, after those that are compared.
	Runs int
	// TimeMax bounds the time after which no further round begins, once there were three.
	TimeMax  time.Duration
	Progress func(string)
	// Loaded: the databases were filled by an earlier run.
	Loaded bool
	// ProfileDir, if not "", is a folder for CPU profiles of Lamina, one for each query.
	ProfileDir string
}

// Measured is one query: times in milliseconds by system, in the order of Result.Systems. A system without times did not answer.
type Measured struct {
	Query
	Rows int
	// Cold are first runs after the database was opened, Warm the later ones.
	Cold []float64
	Warm [][]float64
	// Problem is why no time counts: Lamina failed, or answers differ.
	Problem string
	// Expected: the answer was also compared with one that is known.
	Expected bool
	// Left says of systems, by position, why they have no times.
	Left map[int]string
	// Plans are times from the text to Lamina's plan, in milliseconds.
	Plans []float64
}

// SystemResult is what was seen of one system.
type SystemResult struct {
	Name, Settings string
	LoadSeconds    float64
	// PeakBytes is the most memory of its process during the warm runs.
	PeakBytes int64
}

// Result is what was measured.
type Result struct {
	Workload string
	Title    string
	Systems  []SystemResult
	Queries  []*Measured
	// Runs is the number that every query had.
	Runs int
	// LoadedRows is the number of rows of all tables.
	LoadedRows int64
	// Spent is what the warm runs of Lamina have cost.
	Spent Spent
}

// bench is one run.
type bench struct {
	Options
	w       *Workload
	lamina  *Lamina
	systems []System // Lamina first
	r       *Result
}

// Run loads the workload everywhere and measures. The caller ends the systems.
func Run(ctx context.Context, w *Workload, peers []System, o Options) (*Result, error) {
	b := &bench{Options: o, w: w, lamina: NewLamina(o.Settings), r: &Result{Workload: w.Name, Title: w.Title, LoadedRows: w.Rows()}}
	b.systems = append([]System{b.lamina}, peers...)
	for _, s := range b.systems {
		b.r.Systems = append(b.r.Systems, SystemResult{Name: s.Name()})
	}
	err := b.measure(ctx)
	if b.lamina.db != nil {
		err = errors.Join(err, b.lamina.Close(ctx))
	}
	return b.r, err
}

func (b *bench) measure(ctx context.Context) error {
	if !b.Loaded {
		if err := b.each(ctx, b.open); err != nil {
			return err
		}
		if err := b.load(ctx); err != nil {
			return err
		}
		if err := b.each(ctx, func(ctx context.Context, _ int, s System) error { return s.Close(ctx) }); err != nil {
			return err
		}
	}
	for i := range b.w.Queries {
		m := &Measured{
			Query: b.w.Queries[i], Cold: make([]float64, len(b.systems)), Warm: make([][]float64, len(b.systems)), Left: map[int]string{},
		}
		b.Progress(fmt.Sprintf("%s: first runs of %s, and its answers", b.w.Title, m.Name))
		if err := b.first(ctx, m, i); err != nil {
			return err
		}
		b.r.Queries = append(b.r.Queries, m)
	}
	if err := b.each(ctx, b.open); err != nil {
		return err
	}
	if err := b.warm(ctx); err != nil {
		return err
	}
	if err := b.plans(ctx); err != nil {
		return err
	}
	if b.ProfileDir != "" {
		if err := b.profiles(ctx); err != nil {
			return err
		}
	}
	return b.each(ctx, func(ctx context.Context, _ int, s System) error { return s.Close(ctx) })
}

func (b *bench) each(ctx context.Context, f func(ctx context.Context, i int, s System) error) error {
	for i, s := range b.systems {
		if err := f(ctx, i, s); err != nil {
			return fmt.Errorf("%s: %w", s.Name(), err)
		}
	}
	return nil
}

func (b *bench) open(ctx context.Context, i int, s System) (err error) {
	b.r.Systems[i].Settings, err = s.Open(ctx)
	return err
}

// load fills all systems, a table after the other where they read files.
func (b *bench) load(ctx context.Context) error {
	first := 0
	if b.w.Load != nil {
		b.Progress(b.w.Title + ": loading Lamina")
		start := time.Now()
		if err := b.w.Load(ctx, b.lamina.db); err != nil {
			return err
		}
		b.r.Systems[0].LoadSeconds = time.Since(start).Seconds()
		first = 1
	}
	for i := range b.w.Tables {
		t := &b.w.Tables[i]
		if first == len(b.systems) {
			return nil
		}
		b.Progress(fmt.Sprintf("%s: loading %s, %d rows", b.w.Title, t.Name, t.Rows))
		file := filepath.Join(b.Dir, t.Name+".tbl")
		if err := t.writeFile(ctx, file); err != nil {
			return err
		}
		for k := first; k < len(b.systems); k++ {
			ms, err := b.systems[k].LoadTable(ctx, t, file)
			if err != nil {
				return fmt.Errorf("%s: %w", b.systems[k].Name(), err)
			}
			b.r.Systems[k].LoadSeconds += ms / 1e3
		}
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	return b.each(ctx, func(ctx context.Context, i int, s System) error {
		ms, err := s.Loaded(ctx)
		b.r.Systems[i].LoadSeconds += ms / 1e3
		return err
	})
}

// first runs a query as the first one after the database was opened, on each system, and compares the answers.
func (b *bench) first(ctx context.Context, m *Measured, turn int) error {
	answers := make([]Answer, len(b.systems))
	for k := range b.systems {
		at := (k + turn) % len(b.systems)
		s := b.systems[at]
		if err := b.open(ctx, at, s); err != nil {
			return fmt.Errorf("%s: %w", s.Name(), err)
		}
		a, err := b.ask(ctx, m, at)
		switch {
		case ctx.Err() != nil:
			return err
		case err != nil && aside(s):
			m.Left[at] = err.Error()
		case err != nil:
			m.Problem = fmt.Sprintf("%s: %v", s.Name(), err)
		}
		answers[at] = a
		if err := s.Close(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.Name(), err)
		}
	}
	if m.Problem == "" {
		m.compare(answers, b.systems)
	}
	return nil
}

// ask times the first run, and then gets the rows that are compared.
func (b *bench) ask(ctx context.Context, m *Measured, at int) (a Answer, err error) {
	s := b.systems[at]
	if m.Digest == "" {
		a, err = s.Run(ctx, m.text(at > 0), true)
		m.Cold[at] = a.Millis
		return a, err
	}
	if a, err = s.Run(ctx, m.text(at > 0), false); err != nil {
		return a, err
	}
	m.Cold[at] = a.Millis
	count := a.Count
	a, err = s.Run(ctx, m.compared(at > 0), true)
	a.Count = count
	return a, err
}

func (m *Measured) compare(answers []Answer, systems []System) {
	m.Rows = answers[0].Count
	if m.Check != nil {
		if err := m.Check(answers[0].Result); err != nil {
			m.Problem = fmt.Sprintf("answer of Lamina: %v", err)
			return
		}
		m.Expected = true
	}
	for at := 1; at < len(answers); at++ {
		if m.Left[at] != "" {
			continue
		}
		err := Compare(m.Keys, answers[0].Result, answers[at].Result)
		if err == nil && answers[at].Count != m.Rows {
			err = fmt.Errorf("%d and %d rows", m.Rows, answers[at].Count)
		}
		if err != nil && aside(systems[at]) {
			m.Left[at] = err.Error()
		} else if err != nil {
			m.Problem = fmt.Sprintf("answers of Lamina and %s differ: %v", systems[at].Name(), err)
		}
	}
}

// warm runs all queries, the systems in turns, after a round that does not count.
func (b *bench) warm(ctx context.Context) error {
	if err := b.round(ctx, -1); err != nil {
		return err
	}
	if err := b.each(ctx, func(ctx context.Context, _ int, s System) error { _, err := s.Peak(ctx); return err }); err != nil {
		return err
	}
	b.lamina.spent = Spent{}
	for start := time.Now(); b.r.Runs < b.Runs && (b.r.Runs < 3 || time.Since(start) < b.TimeMax); b.r.Runs++ {
		b.Progress(fmt.Sprintf("%s: round %d of %d", b.w.Title, b.r.Runs+1, b.Runs))
		if err := b.round(ctx, b.r.Runs); err != nil {
			return err
		}
	}
	b.r.Spent = b.lamina.spent
	return b.each(ctx, func(ctx context.Context, i int, s System) (err error) {
		b.r.Systems[i].PeakBytes, err = s.Peak(ctx)
		return err
	})
}

// plans has Lamina plan each query as often as it ran. EXPLAIN parses, binds and optimizes a text anew each time, and prints the plan.
func (b *bench) plans(ctx context.Context) error {
	for range b.r.Runs {
		for _, m := range b.r.Queries {
			if m.Problem != "" {
				continue
			}
			a, err := b.lamina.texts(ctx, "EXPLAIN "+m.Text)
			if err != nil {
				return fmt.Errorf("%s: plan: %w", m.Name, err)
			}
			m.Plans = append(m.Plans, a.Millis)
		}
	}
	return nil
}

// round runs each query once on each system; round -1 is not noted.
func (b *bench) round(ctx context.Context, round int) error {
	for _, m := range b.r.Queries {
		for k := range b.systems {
			at := (k + round + len(b.systems)) % len(b.systems)
			if m.Problem != "" || m.Left[at] != "" || round != 0 && aside(b.systems[at]) {
				continue
			}
			if err := b.again(ctx, m, at, round >= 0); err != nil {
				return fmt.Errorf("%s: %s: %w", m.Name, b.systems[at].Name(), err)
			}
		}
	}
	return nil
}

// again runs a query on one system once more.
func (b *bench) again(ctx context.Context, m *Measured, at int, note bool) error {
	a, err := b.systems[at].Run(ctx, m.text(at > 0), false)
	if err == nil && a.Count != m.Rows {
		err = fmt.Errorf("%d rows, before %d", a.Count, m.Rows)
	}
	switch {
	case err != nil && ctx.Err() == nil && aside(b.systems[at]):
		m.Left[at] = err.Error()
	case err == nil && note:
		m.Warm[at] = append(m.Warm[at], a.Millis)
	case err != nil:
		return err
	}
	return nil
}

func aside(s System) bool {
	p, ok := s.(*Process)
	return ok && p.Aside
}
