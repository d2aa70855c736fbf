package store

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"github.com/laminadb/lamina/table"
)

// The process of TestStoreSurvivesKill that is killed is this test binary, which finds the directory and
// the number of the round in its environment.
const (
	killDirEnv   = "LAMINA_TEST_KILL_DIR"
	killRoundEnv = "LAMINA_TEST_KILL_ROUND"
)

// killEvent is a line that the child writes before or after it does something.
type killEvent struct {
	What    string // "opening", "open", "asked", "told", "checkpoint"
	Tx      int64
	Fate    fate
	LSN     uint64
	Effects []killEffect
}

type killEffect struct {
	Op    effectOp
	Table string
	ID, U int64
	V, To string
}

func killEffects(effects []effect) (list []killEffect) {
	for _, e := range effects {
		list = append(list, killEffect{e.op, e.table, e.id, e.row.u, e.row.v, e.to})
	}
	return list
}

func openOnDisk(dir string, readOnly bool) (*Store, error) {
	s, err := Open(table.Columnar{Dir: dir, Common: table.Common{
		LogFileBytes: 64 << 10, LogBytesMax: 1 << 20, MemoryBytes: 64 << 20, ReadOnly: readOnly,
	}})
	if err != nil {
		return nil, err
	}
	return s.(*Store), nil
}

// TestKillChild is the process that is killed: it works until then.
func TestKillChild(t *testing.T) {
	dir := os.Getenv(killDirEnv)
	if dir == "" {
		t.Skip("needs a parent: runs only as the child of TestStoreSurvivesKill")
	}
	round, err := strconv.Atoi(os.Getenv(killRoundEnv))
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	say := func(e killEvent) {
		b, _ := json.Marshal(e)
		mu.Lock()
		defer mu.Unlock()
		_, _ = os.Stdout.Write(append(b, '\n'))
	}
	if err := killWork(dir, uint64(round), say); err != nil {
		say(killEvent{What: err.Error()})
	}
}

func killWork(dir string, round uint64, say func(killEvent)) error {
	say(killEvent{What: "opening"})
	s, err := openOnDisk(dir, false)
	if err != nil {
		return err
	}
	say(killEvent{What: "open"})
	o := newOracle()
	o.next = int64(round+1) << 32
	o.listen = func(n *commitNote) {
		if n.fate == fateOpen {
			say(killEvent{What: "asked", Tx: n.tx, Effects: killEffects(n.effects)})
			return
		}
		say(killEvent{What: "told", Tx: n.tx, Fate: n.fate, LSN: n.lsn})
	}
	w := &workload{s: s, o: o, seed: round, steps: 1 << 30, every: 25, wander: true}
	w.onCheckpoint = func() { say(killEvent{What: "checkpoint"}) }
	if w.found, _, err = stateOf(s); err != nil {
		return err
	}
	if w.found["journal"] == nil {
		if err := w.setUp(); err != nil {
			return err
		}
	}
	return w.run(4)
}

// killRun is one life of a child.
type killRun struct {
	asked map[int64]*commitNote
	kind  string // what it was killed in
}

// live starts a child and kills it when it has written so many lines of a kind.
func live(t *testing.T, dir string, round int, what string, lines int) *killRun {
	t.Helper()
	exe := must(os.Executable())(t)
	cmd := exec.Command(exe, "-test.run=^TestKillChild$", "-test.timeout=2m")
	cmd.Env = append(os.Environ(), killDirEnv+"="+dir, fmt.Sprintf("%s=%d", killRoundEnv, round))
	cmd.Stderr = os.Stderr
	out := must(cmd.StdoutPipe())(t)
	must(0, cmd.Start())(t)
	r := &killRun{asked: map[int64]*commitNote{}, kind: what}
	in := bufio.NewReader(out)
	killed := false
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			if err != io.EOF {
				t.Error(err)
			}
			break // what is left of a line was being written
		}
		var e killEvent
		if err := json.Unmarshal(line, &e); err != nil {
			t.Errorf("the child says %q", line)
			continue
		}
		if err := r.note(&e); err != nil {
			t.Error(err)
		}
		if e.What == what {
			if lines--; lines == 0 {
				killed = true
				must(0, cmd.Process.Kill())(t)
			}
		}
	}
	err := cmd.Wait()
	if t.Failed() || !killed || err == nil {
		t.Fatalf("round %d: the child has ended by itself: %v", round, err)
	}
	return r
}

func (r *killRun) note(e *killEvent) error {
	switch e.What {
	case "asked":
		n := &commitNote{tx: e.Tx}
		for _, f := range e.Effects {
			n.effects = append(n.effects, effect{f.Op, f.Table, f.ID, modelRow{f.U, f.V}, f.To})
		}
		r.asked[e.Tx] = n
	case "told":
		r.asked[e.Tx].fate, r.asked[e.Tx].lsn = e.Fate, e.LSN
		if e.Fate == fateUnknown {
			return fmt.Errorf("the outcome of transaction %d was unknown", e.Tx)
		}
	case "opening", "open", "checkpoint":
	default:
		return errors.New("the child says " + e.What)
	}
	return nil
}

// expect applies what the child did to the state before: everything acknowledged, and of what was not
// answered what the journal has.
func (r *killRun) expect(before map[string]*modelTable, got map[string]*modelTable, journal map[int64]bool) (inFlight int, err error) {
	o := newOracle()
	var open []effect
	for tx, n := range r.asked {
		switch {
		case n.fate == fateCommitted && !journal[tx]:
			return 0, fmt.Errorf("transaction %d was acknowledged and is not there", tx)
		case n.fate == fateRefused && journal[tx]:
			return 0, fmt.Errorf("transaction %d was refused and is there", tx)
		case n.fate == fateCommitted:
			o.notes[tx] = n
		case n.fate == fateOpen && journal[tx]:
			inFlight++
			open = append(open, n.effects...)
		}
	}
	for _, n := range o.orderLocked() {
		if err := applyEffects(before, n.effects); err != nil {
			return 0, err
		}
	}
	// The order of those without an answer is not known; it matters for the shared rows alone.
	for _, e := range open {
		if e.op == effPut && e.table == "a" && e.id <= sharedRows && before["a"] != nil {
			if got["a"] != nil && got["a"].rows[e.id] == e.row {
				before["a"].rows[e.id] = e.row
			}
			continue
		}
		if err := applyEffects(before, []effect{e}); err != nil {
			return 0, err
		}
	}
	return inFlight, nil
}

// TestStoreSurvivesKill kills a process that works on a real directory, again and again, and opens what
// it left. The machine goes on, so every commit that was acknowledged must be there, the asynchronous
// ones too.
func TestStoreSurvivesKill(t *testing.T) {
	switch {
	case testing.Short():
		t.Skip("needs processes to kill: not in short mode")
	case runtime.GOOS == "windows":
		t.Skip("needs SIGKILL: on windows files of a terminated process may stay locked for a while")
	}
	const rounds = 24
	dir := t.TempDir() + "/db"
	rng := rand.New(rand.NewPCG(1, 3))
	model := map[string]*modelTable{}
	kinds, commits, inFlight := map[string]int{}, 0, 0
	for round := 0; more(round, rounds, inFlight == 0); round++ {
		what, lines := "told", 1+rng.IntN(250)
		switch round % 4 {
		case 1:
			what, lines = "checkpoint", 1+rng.IntN(4)
		case 2:
			what, lines = "asked", 1+rng.IntN(60)
		case 3:
			what, lines = "opening", 1
		}
		r := live(t, dir, round, what, lines)
		kinds[what]++
		// Opened for reading the directory stays as it is, and the next child recovers it.
		n, err := r.check(dir, model, what != "opening" && round%4 != 0)
		if err != nil {
			t.Fatalf("round %d, killed at %s %d: %v", round, what, lines, err)
		}
		inFlight += n
		for _, n := range r.asked {
			if n.fate == fateCommitted {
				commits++
			}
		}
	}
	t.Log(rounds, "rounds", kinds, commits, "commits acknowledged,", inFlight, "not answered but there")
	if kinds["told"] < 5 || kinds["checkpoint"] < 5 || kinds["opening"] < 5 || commits < 500 || inFlight == 0 {
		t.Error("too few rounds or commits")
	}
}

// check opens what a child left and compares it with the model, which becomes what is there.
func (r *killRun) check(dir string, model map[string]*modelTable, readOnly bool) (inFlight int, err error) {
	s, err := openOnDisk(dir, readOnly)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	var damages []error
	err = s.Verify(context.Background(), func(d table.Damage) bool {
		damages = append(damages, fmt.Errorf("damage %+v", d))
		return len(damages) < 5
	})
	if err = errors.Join(err, errors.Join(damages...)); err != nil {
		return 0, err
	}
	got, journal, err := stateOf(s)
	if err != nil {
		return 0, err
	}
	if inFlight, err = r.expect(model, got, journal); err != nil {
		return 0, err
	}
	return inFlight, sameTables(got, model)
}
