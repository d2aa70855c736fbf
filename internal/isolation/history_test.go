package isolation

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/internal/history"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/wal/waltest"
)

func overSQL(db *lamina.DB) (session, error) {
	c, err := db.Conn(ctx())
	if err != nil {
		return nil, err
	}
	return &sqlSession{q: laminaConn{c}}, nil
}

func overStorage(db *lamina.DB) (session, error) { return &storageSession{s: db.Storage()}, nil }

var interfaces = map[string]func(*lamina.DB) (session, error){"SQL": overSQL, "storage": overStorage}

// place is where the tables of a run are.
type place struct {
	name    string
	tiers   []string
	durable bool
}

var places = []place{
	{"memory", []string{"memory"}, false},
	{"columnar", []string{"columnar"}, true},
	{"lsm", []string{"lsm"}, true},
	{"across", []string{"columnar", "memory", "lsm"}, true},
}

// newRun prepares a run.
func newRun(p place, level history.Level, connect func(*lamina.DB) (session, error), seed uint64, crashing bool) *run {
	r := &run{
		level: level, rec: &recorder{}, rng: rand.New(rand.NewPCG(seed, 7)), crashing: crashing,
		txs: 60, clients: 6, connect: connect, asleep: 3,
		tables: listTables(p.tiers, func(tier string) bool { return tier == "memory" && p.durable }),
	}
	if level == history.Serializable {
		r.txs = 75 // more of them are refused
	}
	if p.durable {
		r.fs = waltest.NewCrashFS()
	}
	return r
}

// TestHistories runs clients at each level, everywhere, and judges what they saw. It demands that they saw what the
// level permits, too.
func TestHistories(t *testing.T) {
	for _, level := range allLevels {
		t.Run(level.String(), func(t *testing.T) {
			total := sum{seen: map[history.Anomaly]int{}}
			for _, p := range places {
				for api, connect := range interfaces {
					t.Run(p.name+" "+api, func(t *testing.T) {
						for i := range runs() {
							oneRun(t, newRun(p, level, connect, *seed+uint64(i), false), &total, 0)
						}
					})
				}
			}
			total.demand(t)
			switch level {
			case history.ReadCommitted:
				total.demandSeen(t, history.GSingle, history.LostUpdate, history.G2Item)
			case history.RepeatableRead:
				total.demandSeen(t, history.G2Item)
			}
		})
	}
}

// TestHistoriesAcrossPowerLosses is the same with power losses: what was seen before them must fit to what is seen after.
func TestHistoriesAcrossPowerLosses(t *testing.T) {
	for _, level := range allLevels {
		t.Run(level.String(), func(t *testing.T) {
			total := sum{seen: map[history.Anomaly]int{}}
			for _, p := range places[1:] {
				for api, connect := range interfaces {
					t.Run(p.name+" "+api, func(t *testing.T) {
						for i := range runs() {
							oneRun(t, newRun(p, level, connect, *seed+uint64(i), true), &total, 4)
						}
					})
				}
			}
			total.demand(t)
			if total.losses < 4*total.runs || total.unknown < 2*total.runs {
				t.Errorf("%d power losses, %d transactions of unknown outcome", total.losses, total.unknown)
			}
		})
	}
}

// TestHistoriesBesideDDL changes the definitions of the tables, and their rows with them, while clients run.
func TestHistoriesBesideDDL(t *testing.T) {
	for _, level := range allLevels {
		t.Run(level.String(), func(t *testing.T) {
			total, defined := sum{seen: map[history.Anomaly]int{}}, 0
			for _, p := range places {
				t.Run(p.name, func(t *testing.T) {
					for i := range 2 * runs() {
						r := newRun(p, level, overSQL, *seed+uint64(i), false)
						r.defining = true
						oneRun(t, r, &total, 0)
						defined += r.defined
					}
				})
			}
			t.Logf("%d runs, %d changes of tables: %+v; seen: %v", total.runs, defined, total.Stats, total.seen)
			if defined < 8*total.runs || total.Committed < 60*total.runs || total.Edges < 60*total.runs || total.runs < 6 {
				t.Errorf("%d changes of tables, %d transactions, %d dependencies in %d runs", defined, total.Committed, total.Edges, total.runs)
			}
		})
	}
}

// runs is the number of runs of a kind.
func runs() int {
	switch {
	case *seeds > 0:
		return *seeds
	case testing.Short() || invariants.Enabled:
		return 1
	}
	return 2
}

func oneRun(t *testing.T, r *run, total *sum, losses int) {
	t.Helper()
	for i := range losses + 1 {
		if err := r.stage(i < losses); err != nil {
			t.Fatal(err)
		}
	}
	r.check(t, total)
	if total.flushes += r.flushes; r.flushes > 0 {
		total.flushed++
	}
	total.compactions += r.compactions
}

// demand fails unless there was enough to judge.
func (s *sum) demand(t *testing.T) {
	t.Helper()
	t.Logf("%d runs, %d power losses, %d unknown outcomes: %+v; seen: %v", s.runs, s.losses, s.unknown, s.Stats, s.seen)
	t.Logf("%d flushes in %d runs, %d compactions", s.flushes, s.flushed, s.compactions)
	for _, w := range []struct {
		what     string
		got, min int
	}{
		{"committed transactions", s.Committed, 150 * s.runs}, {"rolled back", s.Aborted, 20 * s.runs}, {"appends", s.Appends, 100 * s.runs},
		{"reads", s.Reads, 200 * s.runs}, {"dependencies", s.Edges, 200 * s.runs}, {"values in the longest list", s.Longest, listValues / 2},
		{"runs", s.runs, 4}, {"runs with flushes", s.flushed, s.runs / 4}, {"flushes", int(s.flushes), s.runs}, {"compactions", int(s.compactions), s.runs / 4},
	} {
		if w.got < w.min {
			t.Errorf("%d %s, at least %d are wanted", w.got, w.what, w.min)
		}
	}
}

// demandSeen fails unless anomalies were seen that a level permits: a check that sees nothing proves nothing.
func (s *sum) demandSeen(t *testing.T, list ...history.Anomaly) {
	t.Helper()
	for _, a := range list {
		if s.seen[a] == 0 {
			t.Error(fmt.Sprintf("%q", a), "was never seen, although the level permits it")
		}
	}
}
