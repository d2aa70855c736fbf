package versus_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/laminadb/lamina/internal/cli/peer"
	"github.com/laminadb/lamina/internal/cli/versus"
	"github.com/laminadb/lamina/internal/cli/workload"
	"github.com/laminadb/lamina/tpch"
)

// other is a system that gives Lamina's own answers, but where a test says otherwise.
type other struct {
	versus.Lamina
	change func(text string, a *versus.Answer)
}

func (o *other) Name() string { return "other" }

func (o *other) Run(ctx context.Context, text string, rows bool) (versus.Answer, error) {
	a, err := o.Lamina.Run(ctx, text, rows)
	if err == nil && o.change != nil {
		o.change(text, &a)
	}
	return a, err
}

func run(t *testing.T, change func(text string, a *versus.Answer)) *versus.Result {
	t.Helper()
	w, err := workload.TPCH(0.01)
	if err != nil {
		t.Fatal(err)
	}
	w.Queries = []versus.Query{w.Queries[0], w.Queries[5], w.Queries[13]}
	s := versus.Settings{Dir: t.TempDir(), Threads: 2, MemoryBytes: 512 << 20}
	theirs := s
	theirs.Dir = t.TempDir()
	o := &other{Lamina: *versus.NewLamina(theirs), change: change}
	r, err := versus.Run(context.Background(), w, []versus.System{o}, versus.Options{
		Settings: s, Runs: 3, TimeMax: time.Minute, Progress: func(what string) { t.Log(what) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestRun has rows read from the files that other systems read, too.
func TestRun(t *testing.T) {
	r := run(t, nil)
	if wrong := r.Wrong(); len(wrong) > 0 || len(r.Left()) > 0 {
		t.Errorf("%q, %q", wrong, r.Left())
	}
	s := r.Summary(r.Position("other"))
	if s.Queries != 3 || r.Runs != 3 || s.Geomean <= 0 || s.Cold <= 0 || s.Worst < s.Geomean || s.WorstQuery == "" {
		t.Errorf("%+v", s)
	}
	for _, m := range r.Queries {
		if !m.Expected || len(m.Warm[0]) != 3 || len(m.Warm[1]) != 3 || m.Cold[0] <= 0 || m.Cold[1] <= 0 {
			t.Errorf("%+v", m)
		}
	}
	var table, picture strings.Builder
	if err := r.Table().Write(&table); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(table.String(), "equal, as expected"); n != 3 || !strings.Contains(table.String(), "geometric mean") {
		t.Error(table.String())
	}
	if err := r.Chart().Write(&picture); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(picture.String(), ">Q14</text>") || strings.Count(picture.String(), "<title>") != 6 {
		t.Error(picture.String())
	}
	if notes := strings.Join(r.Notes(), "\n"); !strings.Contains(notes, "Garbage collection had") || !strings.Contains(notes, "workers=2") {
		t.Error(notes)
	}
}

// TestWrongAnswers: a query whose answers differ has no times.
func TestWrongAnswers(t *testing.T) {
	r := run(t, func(text string, a *versus.Answer) {
		if strings.Contains(text, "promo_revenue") && len(a.Rows) > 0 {
			a.Rows[0] = []tpch.Value{{Text: "1"}}
		}
	})
	wrong := r.Wrong()
	if len(wrong) != 1 || !strings.HasPrefix(wrong[0], "Q14: answers of Lamina and other differ: ") || len(r.Queries[2].Warm[0]) > 0 {
		t.Errorf("%q, %v", wrong, r.Queries[2].Warm)
	}
	if s := r.Summary(1); s.Queries != 2 {
		t.Errorf("%+v", s)
	}
}

// TestPeerEnds: a peer that does not answer is an error that names it.
func TestPeerEnds(t *testing.T) {
	path, err := exec.LookPath("true")
	if err != nil {
		t.Skip("needs true: no such program on this machine")
	}
	p, err := peer.Start("silent", exec.Command(path))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Do(context.Background(), peer.Request{Op: peer.Peak}); err == nil || !strings.Contains(err.Error(), "silent") {
		t.Error(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// TestServe has requests answered in order, errors included.
func TestServe(t *testing.T) {
	in := strings.NewReader(`{"op":"exec","sql":"a"}` + "\n" + `{"op":"peak"}` + "\n")
	var out strings.Builder
	err := peer.Serve(context.Background(), in, &out, func(_ context.Context, r peer.Request) (peer.Answer, error) {
		if r.Op == peer.Peak {
			return peer.Answer{}, context.Canceled
		}
		return peer.Answer{Text: r.SQL}, nil
	})
	if want := `{"text":"a"}` + "\n" + `{"error":"context canceled"}` + "\n"; err != nil || out.String() != want {
		t.Errorf("%q, %v", out.String(), err)
	}
}
