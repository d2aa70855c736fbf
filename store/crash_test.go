package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal/waltest"
)

// crashKind says what a store was doing when power was lost.
type crashKind string

const (
	crashAppend     crashKind = "append"
	crashSync       crashKind = "group fsync"
	crashRotation   crashKind = "rotation and recycling"
	crashCheckpoint crashKind = "checkpoint"
	crashDDL        crashKind = "DDL"
	crashRecovery   crashKind = "recovery"
)

var crashKinds = []crashKind{crashAppend, crashSync, crashRotation, crashCheckpoint, crashDDL, crashRecovery}

// kindOfOp tells from a call what the store is doing; defining: a commit that changes definitions is
// in flight.
func kindOfOp(op waltest.Op, defining bool) crashKind {
	base := op.Path[strings.LastIndexByte(op.Path, '/')+1:]
	switch {
	case !strings.Contains(op.Path, "/"+logName):
		return kindOfData(op)
	case op.Kind == waltest.OpWrite && op.Off > 0 && !strings.HasPrefix(base, "tmp-"), op.Kind == waltest.OpSync:
		switch {
		case defining:
			return crashDDL
		case op.Kind == waltest.OpSync:
			return crashSync
		}
		return crashAppend
	}
	return crashRotation
}

// crashImage is what a power loss, or the end of the process, left.
type crashImage struct {
	fs     *waltest.CrashFS
	kind   crashKind
	at     waltest.Op
	acked  uint64
	keep   int    // percent of what was not synced; -1: the process ended, the machine did not
	method string // that table b has
	// checkpoint says to make one before the image loses power again.
	checkpoint bool
}

func (im *crashImage) String() string {
	return fmt.Sprintf("%s: lost before %s %s (offset %d), %d %% kept, acknowledged up to LSN %d",
		im.kind, im.at.Kind, im.at.Path, im.at.Off, im.keep, im.acked)
}

// crasher takes images of a file system at random calls.
type crasher struct {
	mu     sync.Mutex
	rng    *rand.Rand
	images []*crashImage
	budget map[crashKind]int
	odds   map[crashKind]int // one call in so many
	// slow is called before each call that changes the disk; nil: nothing is slow.
	slow func(waltest.Op)
}

func newCrasher(rng *rand.Rand) *crasher {
	c := &crasher{rng: rng, budget: map[crashKind]int{}, odds: map[crashKind]int{
		crashAppend: 12, crashSync: 12, crashRotation: 3, crashCheckpoint: 5, crashDDL: 4, crashRecovery: 16,
		crashFlush: 6, crashCompaction: 2, crashManifest: 1,
	}}
	for _, k := range slices.Concat(crashKinds, segmentKinds) {
		c.budget[k] = 30
	}
	return c
}

// arm makes c take images of fs.
func (c *crasher) arm(fs *waltest.CrashFS, kind func(waltest.Op) crashKind, acked func() uint64) {
	fs.SetHook(func(op waltest.Op) error {
		switch op.Kind {
		case waltest.OpRead, waltest.OpOpen, waltest.OpOpenDir, waltest.OpList, waltest.OpStat, waltest.OpLock, waltest.OpClose:
			return nil // nothing of the disk changes
		}
		if c.slow != nil {
			c.slow(op)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		k := kind(op)
		if c.budget[k] == 0 || c.rng.IntN(c.odds[k]) != 0 {
			return nil
		}
		c.budget[k]--
		im := &crashImage{kind: k, at: op, acked: acked(), keep: []int{0, 10, 50, 90, 100, -1}[c.rng.IntN(6)]}
		if im.keep < 0 {
			im.fs = fs.Kill()
		} else {
			im.fs = fs.Crash(c.rng, im.keep)
		}
		c.images = append(c.images, im)
		return nil
	})
}

// allow lets c take n more images of a kind.
func (c *crasher) allow(k crashKind, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.budget[k] += n
}

const crashLogFileBytes = 16 << 10

// crashMethod is the access method of the tables of crash tests.
var crashMethod = "columnar"

// crashMixed: the tables of crash tests are of several tiers, so that most transactions write to all.
var crashMixed = false

// mixedMethod is the access method of a table when they are mixed.
func mixedMethod(name string) string {
	sum := 0
	for _, c := range name {
		sum += int(c)
	}
	return []string{"lsm", "columnar"}[sum%2] // of a and c columnar, of b and the journal lsm
}

// withMixed runs a crash test on tables of several tiers.
func withMixed(t *testing.T) {
	crashMixed = true
	t.Cleanup(func() { crashMixed = false })
}

// withMethod runs a crash test on tables of another access method.
func withMethod(t *testing.T, method string) {
	was := crashMethod
	crashMethod = method
	t.Cleanup(func() { crashMethod = was })
}

func openCrash(fs *waltest.CrashFS) (*Store, error) {
	return openCrashWith(fs, crashLogFileBytes, 128<<10)
}

// openCrashWith opens a store that makes a checkpoint by itself when the log has grown by max.
func openCrashWith(fs *waltest.CrashFS, fileBytes, max int64) (*Store, error) {
	return openCrashAt(fs, "db", table.Common{LogFileBytes: fileBytes, LogBytesMax: max})
}

// openCrashAt opens a store in another directory.
func openCrashAt(fs *waltest.CrashFS, dir string, c table.Common) (*Store, error) {
	c.FS, c.MemoryBytes, c.DefaultMethod = fs, 64<<20, crashMethod
	cfg := table.Columnar{Dir: dir, Common: c}
	switch {
	case crashMixed:
		cfg.DeltaRows, cfg.SegmentRows = mixedDeltaRows, mixedSegmentRows
	case crashSegments:
		cfg.DeltaRows, cfg.SegmentRows = segmentsDeltaRows, segmentsSegmentRows
	}
	s, err := Open(cfg)
	if err != nil {
		return nil, err
	}
	return s.(*Store), nil
}

// Where tables are of several tiers, those of segments get some at once.
const mixedDeltaRows, mixedSegmentRows = 24, 60

// TestStoreSurvivesPowerLoss runs clients, checkpoints and changes of definitions on a disk that loses
// power at random calls, and opens what is left: it must be the state after a prefix of the commits,
// all those acknowledged as durable among them, and work on. Opening it loses power too.
func TestStoreSurvivesPowerLoss(t *testing.T) {
	rounds, least := 8, 50
	if reduced() {
		rounds, least = 5, 25
	}
	survivePowerLoss(t, rounds, least)
}

// reduced reports whether crash tests are smaller than they could be.
func reduced() bool { return testing.Short() || invariants.Enabled }

// crashSeed is the seed of a round. Whole tests have other ones than reduced ones: who runs both sees more.
func crashSeed(round int) uint64 {
	if reduced() {
		return uint64(round)
	}
	return 1000 + uint64(round)
}

// TestLSMSurvivesPowerLoss is the same on LSM tables.
func TestLSMSurvivesPowerLoss(t *testing.T) {
	withMethod(t, "lsm")
	rounds, least := 5, 25
	if reduced() {
		rounds, least = 3, 15
	}
	survivePowerLoss(t, rounds, least)
}

// crashTally counts what a test of power losses has done.
type crashTally struct {
	hits                              map[crashKind]int
	images                            int
	commits, aborts, relayouts, moves int64
	tier                              table.TierMetrics // what the columnar tier has done
	want                              map[crashKind]int
}

// lacks returns how many crash points of a kind are missing.
func (n *crashTally) lacks(k crashKind) int { return max(0, n.want[k]-n.hits[k]) }

// lacking reports whether crash points are missing.
func (n *crashTally) lacking() bool {
	for k := range n.want {
		if n.lacks(k) > 0 {
			return true
		}
	}
	return false
}

// more reports whether a test has a round: there are those planned, and others as long as something is lacking. How many
// calls of a kind a round has depends on how its goroutines are scheduled.
func more(round, planned int, lacking bool) bool {
	return round < planned || round < 5*planned && lacking
}

// only makes c take images of the kinds that are missing, at every second call.
func (c *crasher) only(n *crashTally) {
	for k := range c.budget {
		c.budget[k], c.odds[k] = n.lacks(k), 2
	}
}

// add counts what a store has done that is about to be closed.
func (n *crashTally) add(w *workload) {
	n.commits, n.aborts = n.commits+w.commits.Load(), n.aborts+w.aborts.Load()
	n.relayouts, n.moves = n.relayouts+w.relayouts.Load(), n.moves+w.moves.Load()
	for _, m := range w.s.Metrics().Tiers {
		if m.Name == "columnar" {
			n.tier.Flushes += m.Flushes
			n.tier.Compactions += m.Compactions
			n.tier.Segments += m.Segments
			n.tier.Deletions += m.Deletions
			n.tier.RowsFollowed += m.RowsFollowed
		}
	}
}

// survivePowerLoss demands so many crash points of each kind, of those of what moves to segments crashPointsMin.
func survivePowerLoss(t *testing.T, rounds, least int) {
	n := &crashTally{hits: map[crashKind]int{}, want: map[crashKind]int{}}
	for _, k := range crashKinds {
		n.want[k] = least
	}
	for _, k := range segmentKinds {
		if crashSegments {
			n.want[k] = crashPointsMin
		}
	}
	for round := 0; more(round, rounds, n.lacking()); round++ {
		fs := waltest.NewCrashFS()
		o := newOracle()
		c := newCrasher(rand.New(rand.NewPCG(crashSeed(round), 4)))
		if round >= rounds {
			c.only(n)
		}
		w := &workload{o: o, seed: crashSeed(round), steps: 60, every: 12, wander: true}
		c.arm(fs, func(op waltest.Op) crashKind { return kindOfOp(op, w.defining.Load() > 0) }, o.ackedLSN)
		c.slow = func(op waltest.Op) {
			if besideCommits(kindOfOp(op, false)) {
				w.others()
			}
		}
		w.s = must(openCrash(fs))(t)
		if err := errors.Join(w.setUp(), w.run(4)); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		n.add(w)
		if err := w.s.Close(); err != nil {
			t.Fatal(err)
		}
		fs.SetHook(nil)
		inner := newCrasher(c.rng)
		if round >= rounds {
			inner.only(n)
		}
		list := append(c.images, &crashImage{fs: fs, kind: "close", acked: o.ackedLSN(), keep: -1})
		for i := 0; i < len(list); i++ {
			im := list[i]
			armed := inner
			if im.kind == crashRecovery {
				armed = nil
			}
			im.checkpoint = i%8 == 0
			if err := im.check(o, armed, i%4 == 0); err != nil {
				t.Fatalf("round %d, image %d, %v: %v", round, i, im, err)
			}
			n.hits[im.kind]++
			n.images++
			list = append(list, inner.images...)
			inner.images = nil
		}
	}
	n.demand(t, int64(rounds))
}

// demand fails a test that did too little.
func (n *crashTally) demand(t *testing.T, rounds int64) {
	t.Helper()
	t.Log(n.images, "images,", n.commits, "commits,", n.aborts, "roll-backs,", n.relayouts, "changes of layout,", n.moves, "moves:", n.hits)
	sum := 0
	for k, want := range n.want {
		sum += want
		if n.lacks(k) > 0 {
			t.Errorf("%s: %d crash points, at least %d are wanted", k, n.hits[k], want)
		}
	}
	if n.images < sum || n.commits < rounds*150 || n.relayouts < rounds*10 || n.moves < rounds*4 {
		t.Errorf("%d images, %d commits, %d changes of layout, %d moves", n.images, n.commits, n.relayouts, n.moves)
	}
	if x := &n.tier; crashSegments {
		t.Log(x.Flushes, "flushes,", x.Compactions, "compactions,", x.Segments, "segments,", x.Deletions, "deletions,", x.RowsFollowed, "rows followed")
		if x.Flushes < rounds*20 || x.Compactions < rounds*5 || x.Segments < rounds*5 || x.Deletions < rounds*5 || x.RowsFollowed < rounds*5 {
			t.Errorf("%+v", *x)
		}
	}
}

// check opens the image and compares it with what the oracle knows. With inner, opening it loses
// power too; again says to lose power once more after it was written to.
func (im *crashImage) check(o *oracle, inner *crasher, again bool) error {
	if inner != nil {
		inner.arm(im.fs, func(waltest.Op) crashKind { return crashRecovery }, func() uint64 { return im.acked })
	}
	s, err := openCrash(im.fs)
	im.fs.SetHook(nil)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	model, err := sameAsModel(s, o, im.acked)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	if b := model["b"]; b != nil {
		if im.method = b.method; im.method == "" {
			im.method = crashMethod
		}
	}
	if err := errors.Join(worksOn(s, model), sameRows(s, model)); err != nil {
		return errors.Join(err, s.Close())
	}
	if im.checkpoint {
		err = errors.Join(s.Checkpoint(context.Background()), writesLate(s))
	}
	after, terr := textsOf(s)
	err = errors.Join(err, terr)
	if err == nil && again {
		err = sameAfter(im.fs.Crash(rand.New(rand.NewPCG(1, 1)), 0), after)
	}
	return errors.Join(err, s.Close())
}

// sameAsModel compares a store with the oracle, and returns the model.
func sameAsModel(s *Store, o *oracle, acked uint64) (map[string]*modelTable, error) {
	var damages []error
	err := s.Verify(context.Background(), func(d table.Damage) bool {
		damages = append(damages, fmt.Errorf("damage %+v: %w", d, d.Err))
		return len(damages) < 5
	})
	if err = errors.Join(err, errors.Join(damages...)); err != nil {
		return nil, err
	}
	tables, journal, err := stateOf(s)
	if err = errors.Join(err, inOneTier(s)); err != nil {
		return nil, err
	}
	model, err := o.prefix(journal, acked)
	if err != nil {
		return nil, err
	}
	for _, t := range model {
		if t.method == "memory" {
			clear(t.rows)
		}
	}
	return model, sameTables(tables, model)
}

func sameTables(got, want map[string]*modelTable) error {
	for name, t := range want {
		if got[name] == nil {
			return fmt.Errorf("there is no table %s", name)
		}
		if a, b := got[name].text(), t.text(); a != b {
			return fmt.Errorf("table %s is\n%s, but should be\n%s", name, a, b)
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("%d tables, but there should be %d", len(got), len(want))
	}
	return nil
}

// newKeyless is how many rows a table without key gets after a crash: as many as are there, so that a hidden key that is
// given out again meets one.
const newKeyless = 64

// sameRows compares the tables of a store with a model, the journal apart.
func sameRows(s *Store, model map[string]*modelTable) error {
	tables, _, err := stateOf(s)
	if err != nil {
		return err
	}
	for name, t := range model {
		if name == "journal" {
			continue
		}
		if got := tables[name]; got == nil {
			return fmt.Errorf("there is no table %s", name)
		} else if a, b := got.text(), t.text(); a != b {
			return fmt.Errorf("after new rows table %s is\n%s, but should be\n%s", name, a, b)
		}
	}
	return nil
}

// worksOnRows: of the rows of larger tables one in eight is tried.
const worksOnRows = 400

// worksOn checks that the unique keys of a store refuse what is there, and take what is not, and
// commits to it, and to the model.
func worksOn(s *Store, model map[string]*modelTable) error {
	w := &workload{s: s, o: newOracle()}
	w.o.next = 1 << 40
	for _, name := range []string{"a", "b"} {
		t := model[name]
		if t == nil {
			continue
		}
		used := map[int64]bool{}
		for id, r := range t.rows {
			used[r.u] = true
			if len(t.rows) > worksOnRows && (id+int64(len(model["journal"].rows)))%8 != 0 {
				continue // all rows were compared; which of them are tried depends on the image
			}
			err := w.in(nil, func(x *workTx) error { return x.insert(name, map[int64]modelRow{id: {v: "twice"}}) })
			if sqlerr.CodeOf(err) != sqlerr.UniqueViolation {
				return fmt.Errorf("a second row %d in table %s: %w", id, name, err)
			}
			if r.u == 0 {
				continue
			}
			err = w.in(nil, func(x *workTx) error { return x.insert(name, map[int64]modelRow{-id: {r.u, "twice"}}) })
			if sqlerr.CodeOf(err) != sqlerr.UniqueViolation {
				return fmt.Errorf("a second row with u = %d in table %s: %w", r.u, name, err)
			}
		}
		fresh := map[int64]modelRow{}
		for c := int64(1); c <= 4; c++ {
			for u := c * idsOfClient; u < c*idsOfClient+2*rowsOfClient; u++ {
				if !used[u] {
					fresh[-u] = modelRow{u, "new"}
				}
			}
		}
		if err := w.in(nil, func(x *workTx) error { return x.insert(name, fresh) }); err != nil {
			return fmt.Errorf("new rows in table %s: %w", name, err)
		}
		maps.Copy(t.rows, fresh)
	}
	if model["c"] == nil { // power was lost before anything was there
		return w.setUp()
	}
	model["new"] = &modelTable{rows: map[int64]modelRow{1: {}}}
	return errors.Join(keylessWorks(w, model["c"]), w.in(nil, func(x *workTx) error {
		return errors.Join(x.create("new"), x.insert("new", model["new"].rows), x.insert("c", map[int64]modelRow{0: {}}))
	}))
}

// keylessWorks inserts rows into a table without key, and changes and deletes some of them, each in a transaction that
// does nothing else.
func keylessWorks(w *workload, c *modelTable) error {
	added, changed, gone := map[int64]modelRow{}, map[int64]modelRow{}, []int64(nil)
	for id := int64(1); id <= newKeyless; id++ {
		switch added[-id] = (modelRow{}); id % 3 {
		case 0:
			changed[-id] = modelRow{v: "changed"}
		case 1:
			gone = append(gone, -id)
		}
	}
	maps.Copy(c.rows, added)
	maps.Copy(c.rows, changed)
	for _, id := range gone {
		delete(c.rows, id)
	}
	c.rows[0] = modelRow{}
	return errors.Join(
		w.in(nil, func(x *workTx) error { return x.insert("c", added) }),
		w.in(nil, func(x *workTx) error { return x.update("c", changed) }),
		w.in(nil, func(x *workTx) error { return x.delete("c", gone) }),
	)
}

// textsOf returns all tables that outlive a power loss as text.
func textsOf(s *Store) (map[string]string, error) {
	tables, _, err := stateOf(s)
	texts := map[string]string{}
	for name, t := range tables {
		if t.method != "memory" {
			texts[name] = t.text()
		}
	}
	return texts, err
}

// sameAfter opens what another power loss has left, in which everything committed must be.
func sameAfter(fs *waltest.CrashFS, want map[string]string) error {
	s, err := openCrash(fs)
	if err != nil {
		return fmt.Errorf("second open: %w", err)
	}
	got, err := textsOf(s)
	for name, text := range want {
		if err == nil && got[name] != text {
			err = fmt.Errorf("after another power loss table %s is\n%s, but was\n%s", name, got[name], text)
		}
	}
	return errors.Join(err, s.Close())
}
