package tabletest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// Options say what is tested, and how long.
type Options struct {
	// Name names the storage in messages and saved sequences.
	Name string
	// Open opens the storage on a file system, which is nil if Durable is false.
	Open Opener
	// Durable: rows of tables other than memory ones survive reopening and power loss.
	Durable bool
	// Methods are the access methods of the tables; a storage that mixes several names them all.
	Methods []string
	// Sequences and Steps are the number of random sequences and their length; 0: 40 and 400.
	Sequences, Steps int
	// Seed draws the sequences; 0: 1.
	Seed uint64
}

// Run runs random sequences of steps on the storage and on the model: at least four transactions open at once, statements,
// savepoints, schema changes, and, where the storage is durable, checkpoints, crashes and reopenings. A sequence that
// fails is made shorter and saved under testdata/tabletest, from where later runs repeat it.
func Run(t *testing.T, o Options) {
	t.Helper()
	if o.Sequences == 0 {
		o.Sequences = 40
	}
	if o.Steps == 0 {
		o.Steps = 400
	}
	if o.Seed == 0 {
		o.Seed = 1
	}
	methods := make([]string, tableSlots)
	for i := range methods {
		methods[i] = o.Methods[i%len(o.Methods)]
	}
	var total counts
	for _, file := range savedSequences(t, o.Name) {
		ops, err := loadSequence(file)
		if err != nil {
			t.Fatal(err)
		}
		n, err := run(o.Open, o.Durable, methods, ops)
		total.add(n)
		if err != nil {
			t.Errorf("saved sequence %s: %v", file, err)
		}
	}
	for i := range o.Sequences {
		seed := o.Seed + uint64(i)
		ops := drawOps(rand.New(rand.NewPCG(seed, 77)), o.Steps, o.Durable)
		n, err := run(o.Open, o.Durable, methods, ops)
		total.add(n)
		if err == nil {
			continue
		}
		if os.Getenv("LAMINA_MUTANT") != "" { // it is to fail, and no later run is to repeat it
			t.Fatalf("%s, seed %d: %v", o.Name, seed, err)
		}
		short, serr := shorten(o, methods, ops, err)
		t.Fatalf("%s, seed %d: %v\nmade shorter to %d steps, saved as %s: %v", o.Name, seed, err, len(short),
			saveSequence(t, o.Name, seed, short), serr)
	}
	t.Logf("%s: %+v", o.Name, total)
	demand(t, o, total)
}

// demand fails a run that did too little of something.
func demand(t *testing.T, o Options, n counts) {
	t.Helper()
	scale := o.Sequences * o.Steps
	want := []struct {
		what     string
		got, min int
	}{
		{"cases", n.Cases, o.Sequences}, {"steps", n.Ops, scale / 3}, {"commits", n.Commits, scale / 60}, {"aborts", n.Aborts, scale / 200},
		{"conflicts", n.Conflicts, scale / 2000}, {"unique violations", n.Violations, scale / 1000}, {"refused locks", n.Blocked, scale / 1000},
		{"transactions open at once", n.OpenAtOnceMax, 4}, {"scans", int(n.Scans), scale / 60}, {"rows", int(n.Rows), scale / 30},
		{"checkpoints", n.Checkpoints, scale / 200}, {"rows left out", n.Skipped, scale / 400},
	}
	for _, w := range want {
		if w.got < w.min {
			t.Errorf("%s: only %d %s, at least %d are wanted", o.Name, w.got, w.what, w.min)
		}
	}
	if n.Refused > 0 && (n.Refused-n.Needless < scale/2000 || n.Serialized < scale/400) {
		t.Errorf("%s: only %d commits at SERIALIZABLE and %d conflicts that had to be found", o.Name, n.Serialized, n.Refused-n.Needless)
	}
	if o.Durable && (n.Crashes < scale/400 || n.Reopens < scale/400) {
		t.Errorf("%s: only %d crashes and %d reopenings", o.Name, n.Crashes, n.Reopens)
	}
}

// shortenRuns bounds the work of making a sequence shorter.
const shortenRuns = 400

// shorten drops steps as long as some disagreement stays, large runs of steps first.
func shorten(o Options, methods []string, ops []op, err error) ([]op, error) {
	runs := 0
	for size := len(ops) / 2; size > 0 && runs < shortenRuns; size /= 2 {
		for at := 0; at+size <= len(ops) && runs < shortenRuns; {
			less := append(append([]op{}, ops[:at]...), ops[at+size:]...)
			runs++
			if _, e := run(o.Open, o.Durable, methods, less); e != nil {
				ops, err = less, e
				continue
			}
			at += size
		}
	}
	return ops, err
}

const sequenceDir = "testdata/tabletest"

func savedSequences(t *testing.T, name string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(sequenceDir, name+"-*.json"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func loadSequence(file string) ([]op, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var ops []op
	return ops, json.Unmarshal(b, &ops)
}

func saveSequence(t *testing.T, name string, seed uint64, ops []op) string {
	t.Helper()
	file := filepath.Join(sequenceDir, fmt.Sprintf("%s-%d.json", name, seed))
	b, err := json.MarshalIndent(ops, "", " ")
	if err == nil {
		err = os.MkdirAll(sequenceDir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(file, b, 0o644)
	}
	if err != nil {
		t.Error(err)
	}
	return file
}
