package logictest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Runner runs the records of a file.
type Runner struct {
	// Rewrite replaces expectations by what the database answers, instead of comparing.
	Rewrite bool
	// Only, if set, are the records whose expectations are rewritten; others are compared.
	Only func(*Record) bool
	// Outcomes may change how a difference is seen: it returns false to let it pass.
	Tolerate func(*Record, *Outcome) bool
	// Ran and Skipped count records.
	Ran, Skipped int
}

// running is a statement that blocks.
type running struct {
	done chan struct{}
	o    *Outcome
	err  error
}

// execution is a file in execution.
type execution struct {
	r     *Runner
	db    Database
	dir   string
	conns map[string]Conn
	async map[string]*running
}

// Run runs a file in a database and returns the differences, one error each.
func (r *Runner) Run(ctx context.Context, f *File, db Database) error {
	dir, err := os.MkdirTemp("", "logictest")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)                      //nolint:errcheck // temporary files
	if err := os.Chmod(dir, 0o755); err != nil { // PostgreSQL's server reads it
		return err
	}
	x := &execution{r: r, db: db, dir: dir, conns: map[string]Conn{}, async: map[string]*running{}}
	var errs []error
	for _, rec := range f.Records {
		if err := x.record(ctx, rec); err != nil {
			errs = append(errs, fmt.Errorf("%s.slt:%d: %w\n%s", f.Name, rec.Line, err, indent(rec.SQL)))
			if ctx.Err() != nil || len(errs) > 20 {
				break
			}
		}
	}
	errs = append(errs, x.end(ctx))
	return errors.Join(errs...)
}

func indent(s string) string { return "    " + strings.ReplaceAll(s, "\n", "\n    ") }

func (x *execution) record(ctx context.Context, rec *Record) error {
	switch {
	case rec.Kind == Comment:
		return nil
	case rec.OnlyIf != "" && !x.db.Is(rec.OnlyIf):
		x.r.Skipped++
		return nil
	case rec.Kind == WriteFile:
		return os.WriteFile(filepath.Join(x.dir, rec.Name), []byte(inputOf(rec)), 0o644)
	}
	c, err := x.conn(ctx, rec.Conn)
	if err != nil {
		return err
	}
	x.r.Ran++
	if rec.Kind == Finish {
		return x.finish(ctx, rec)
	}
	if x.async[rec.Conn] != nil {
		return fmt.Errorf("a statement is still running on connection %s", rec.Conn)
	}
	if len(x.async) == 0 {
		if err := x.db.Between(ctx, x.conns); err != nil {
			return err
		}
		c = x.conns[rec.Conn]
	}
	sql, err := x.expand(rec.SQL)
	if err != nil {
		return err
	}
	if rec.Blocks {
		return x.start(ctx, c, sql, rec)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, statementTimeout, errStuck)
	defer cancel()
	o, err := c.Run(ctx, sql, rec)
	if err != nil {
		return err
	}
	return x.judge(rec, o)
}

func (x *execution) conn(ctx context.Context, name string) (Conn, error) {
	if c := x.conns[name]; c != nil {
		return c, nil
	}
	c, err := x.db.Connect(ctx)
	if err == nil {
		x.conns[name] = c
	}
	return c, err
}

var repeat = regexp.MustCompile(`\{repeat (\d+) ([^}]*)\}`)

// repeatMax bounds what {repeat} makes.
const repeatMax = 16 << 20

// expand replaces {dir} and {repeat N TEXT}.
func (x *execution) expand(sql string) (string, error) {
	var err error
	sql = repeat.ReplaceAllStringFunc(sql, func(m string) string {
		part := repeat.FindStringSubmatch(m)
		n, _ := strconv.Atoi(part[1]) // digits
		if n*len(part[2]) > repeatMax {
			err = fmt.Errorf("%s is too long", m)
			return ""
		}
		return strings.Repeat(part[2], n)
	})
	return strings.ReplaceAll(sql, "{dir}", x.dir), err
}

// judge compares or rewrites.
func (x *execution) judge(rec *Record, o *Outcome) error {
	if o.Err != nil {
		o.Err.Message, _, _ = strings.Cut(strings.ReplaceAll(o.Err.Message, x.dir, "{dir}"), "\n")
	}
	if rec.SkipIf != "" && x.db.Is("lamina") {
		if f := features[rec.SkipIf]; !f.refusedBy(o) {
			if o.Err != nil {
				return fmt.Errorf("must be refused with %v for want of %s (%s), but failed with %s", f.Codes, rec.SkipIf, f.Reason, o.Err)
			}
			return fmt.Errorf("is no longer refused for want of %s (%s): remove its skipif", rec.SkipIf, f.Reason)
		}
		x.r.Skipped++
		return nil
	}
	if x.r.Rewrite && (x.r.Only == nil || x.r.Only(rec)) {
		rec.Want = o.expectation(rec)
		return nil
	}
	d := o.differs(rec)
	if d == "" || x.r.Tolerate != nil && x.r.Tolerate(rec, o) {
		return nil
	}
	return errors.New(d)
}

// blockTimeout bounds how long a statement that must wait for a lock is watched.
const blockTimeout = 20 * time.Second

// statementTimeout is when a statement that does not end counts as stuck: the file fails and names it.
const statementTimeout = 2 * time.Minute

var errStuck = errors.New("the statement does not end")

// start runs a statement that must wait for a lock.
func (x *execution) start(ctx context.Context, c Conn, sql string, rec *Record) error {
	a := &running{done: make(chan struct{})}
	x.async[rec.Conn] = a
	go func() {
		defer close(a.done)
		a.o, a.err = c.Run(ctx, sql, rec)
	}()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(blockTimeout); time.Now().Before(end); <-tick.C {
		select {
		case <-a.done:
			delete(x.async, rec.Conn)
			if a.err != nil {
				return a.err
			}
			return fmt.Errorf("does not wait, but ends: %s", a.o.expectation(rec).Err)
		default:
		}
		if blocked, err := c.Blocked(ctx); err != nil || blocked {
			return err
		}
	}
	return errors.New("neither waits for a lock nor ends")
}

// finish waits for a statement that was blocked.
func (x *execution) finish(ctx context.Context, rec *Record) error {
	a := x.async[rec.Conn]
	if a == nil {
		return fmt.Errorf("nothing is running on connection %s", rec.Conn)
	}
	select {
	case <-a.done:
	case <-time.After(blockTimeout):
		return errors.New("still blocked")
	case <-ctx.Done():
		return ctx.Err()
	}
	delete(x.async, rec.Conn)
	if a.err != nil {
		return a.err
	}
	return x.judge(rec, a.o)
}

// end closes the connections; a statement that still waits is an error of the file.
func (x *execution) end(context.Context) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(x.conns)) {
		if x.async[name] != nil {
			errs = append(errs, fmt.Errorf("connection %s: a blocked statement has no finish", name))
			continue // its goroutine uses the connection
		}
		errs = append(errs, x.conns[name].Close())
	}
	return errors.Join(errs...)
}
