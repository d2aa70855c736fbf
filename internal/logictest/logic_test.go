package logictest_test

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/internal/logictest"
)

var (
	rewrite = flag.Bool("rewrite", false, "replace what the files expect by what the database answers")
	oracle  = flag.String("oracle", "", "postgres://… of a PostgreSQL 18 server, for TestOracle")
	only    = flag.String("config", "", "run only configurations whose name has this in it")
	each    = flag.Bool("each", false, "run instead each choice of the configurations alone, and with each rule of the optimizer off")
	more    = flag.Int("more", 0, "number of random configurations to run besides the pairwise array")
	seed    = flag.Uint64("seed", 1, "of the random configurations")
)

// folder holds the files.
const folder = "../../testdata/logictest"

// Minima: what runs less has lost something.
const (
	filesMin          = 45
	recordsMin        = 2300
	configurationsMin = 16
	checkpointsMin    = 2000
	reopensMin        = 150
	spilledMin        = 1 << 20
	refusedMin        = 800 // statements that a tiny memory refuses
)

func readFiles(t *testing.T) []*logictest.File {
	t.Helper()
	var files []*logictest.File
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".slt" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		f, err := logictest.Parse(strings.TrimSuffix(filepath.ToSlash(rel), ".slt"), string(text))
		if err != nil {
			return err
		}
		files = append(files, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sort.Slice(files, func(i, j int) bool { return files[i].Name < files[j].Name })
	return files
}

func write(t *testing.T, f *logictest.File) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, f.Name+".slt"), []byte(f.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// totals are what all files did together.
type totals struct {
	sync.Mutex
	files, records, skipped, runs int
	checkpoints, reopens          int
}

func (s *totals) add(f *logictest.File, configs []logictest.Config, r *logictest.Runner, checkpoints, reopens int) {
	s.Lock()
	defer s.Unlock()
	s.files++
	s.records += f.Count()
	s.runs += r.Ran
	s.skipped += r.Skipped / len(configs)
	s.checkpoints += checkpoints
	s.reopens += reopens
}

// TestLogic runs every file in every configuration of the pairwise array.
func TestLogic(t *testing.T) {
	configs := append(logictest.Pairwise(), logictest.Random(*seed, *more)...)
	if *each {
		configs = logictest.Each()
	}
	if *rewrite {
		configs = configs[:1]
	}
	configs = chosen(sampled(configs))
	var sum totals
	t.Cleanup(func() { checkMinima(t, &sum, len(configs)) })
	for _, f := range readFiles(t) {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			r := &logictest.Runner{Rewrite: *rewrite, Only: func(r *logictest.Record) bool { return r.OnlyIf != "" && r.OnlyIf != "postgres" }}
			checkpoints, reopens := 0, 0
			for i, c := range configs {
				db, err := logictest.OpenLamina(c, uint64(i), &checkpoints, &reopens)
				if err != nil {
					t.Fatalf("%s: %v", c, err)
				}
				runOn(t, r, f, c, db)
				if t.Failed() {
					return
				}
			}
			if *rewrite {
				write(t, f)
			}
			sum.add(f, configs, r, checkpoints, reopens)
		})
	}
}

func runOn(t *testing.T, r *logictest.Runner, f *logictest.File, c logictest.Config, db logictest.Database) {
	t.Helper()
	if err := r.Run(t.Context(), f, db); err != nil {
		t.Errorf("%s: %v", c, err)
	}
	if err := db.Close(); err != nil {
		t.Errorf("%s: close: %v", c, err)
	}
}

// changes finds statements that change rows, though they may return some.
var changes = regexp.MustCompile(`(?i)\b(insert|update|delete|merge|nextval|setval)\b`)

// TestTinyMemory runs the files with queries that may use little memory: each statement answers what it must, or
// fails with 53200, after which the database goes on. Once a change of data was refused, later statements of the
// file may find something else.
func TestTinyMemory(t *testing.T) {
	refused := 0
	for _, c := range logictest.TinyMemory() {
		for _, f := range readFiles(t) {
			if strings.HasPrefix(f.Name, "tx/") {
				continue // a refused statement fails its transaction
			}
			lost, before := false, refused
			checkpoints, reopens := 0, 0
			db, err := logictest.OpenLamina(c, 1, &checkpoints, &reopens)
			if err != nil {
				t.Fatal(err)
			}
			r := &logictest.Runner{Tolerate: func(r *logictest.Record, o *logictest.Outcome) bool {
				if o.Err != nil && o.Err.Code == "25P02" && refused > before {
					return true // the block that a refused statement has failed
				}
				if o.Err == nil || o.Err.Code != "53200" {
					return lost
				}
				refused++
				lost = lost || r.Want.Err == nil && (r.Want.Types == nil || changes.MatchString(r.SQL))
				return true
			}}
			runOn(t, r, f, c, db)
		}
	}
	t.Logf("%d statements refused", refused)
	if refused < refusedMin && !t.Failed() {
		t.Errorf("less than %d", refusedMin)
	}
}

// sampled leaves out every other configuration where assertions make each take twice as long; the run without them has all.
func sampled(configs []logictest.Config) []logictest.Config {
	if !invariants.Enabled || *only != "" || *more > 0 || *each {
		return configs
	}
	var list []logictest.Config
	for i := 0; i < len(configs); i += 2 {
		list = append(list, configs[i])
	}
	return list
}

// atLeast is the least of what all configurations together must do, for those of them that run.
func atLeast(all int) int {
	if invariants.Enabled {
		return all / 2
	}
	return all
}

func chosen(configs []logictest.Config) []logictest.Config {
	var list []logictest.Config
	for _, c := range configs {
		if strings.Contains(c.String(), *only) {
			list = append(list, c)
		}
	}
	return list
}

// checkMinima demands that a whole run has not lost files, records or configurations.
func checkMinima(t *testing.T, s *totals, configs int) {
	t.Logf("%d files, %d records (%d for others or refused), %d configurations, %d statements, %d checkpoints, %d times closed and opened, "+
		"%d bytes spilled", s.files, s.records, s.skipped, configs, s.runs, s.checkpoints, s.reopens, logictest.SpilledBytes.Load())
	if *rewrite || *only != "" || partial() || t.Failed() {
		return
	}
	if n := logictest.SpilledBytes.Load(); n < spilledMin {
		t.Errorf("%d bytes were spilled, less than %d", n, spilledMin)
	}
	if s.files < filesMin || s.records < recordsMin || configs < atLeast(configurationsMin) ||
		s.checkpoints < atLeast(checkpointsMin) || s.reopens < atLeast(reopensMin) {
		t.Errorf("less than %d files, %d records, %d configurations, %d checkpoints, %d reopened databases",
			filesMin, recordsMin, atLeast(configurationsMin), atLeast(checkpointsMin), atLeast(reopensMin))
	}
}

// partial reports whether -run chooses some files.
func partial() bool { return strings.Contains(flag.Lookup("test.run").Value.String(), "/") }

// TestOracle runs the files on PostgreSQL: with -rewrite it writes what PostgreSQL answers, otherwise it compares.
func TestOracle(t *testing.T) {
	if *oracle == "" {
		t.Skip("needs PostgreSQL: -oracle names a server")
	}
	pg, err := logictest.OpenPostgres(t.Context(), *oracle)
	if err != nil {
		t.Fatal(err)
	}
	defer pg.Close() //nolint:errcheck // the process ends
	version, err := pg.Version(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("PostgreSQL %s", version)
	t.Run("values", valuesOracle)
	for _, f := range readFiles(t) {
		t.Run(f.Name, func(t *testing.T) {
			db, err := pg.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			r := &logictest.Runner{Rewrite: *rewrite}
			if err := r.Run(t.Context(), f, db); err != nil {
				t.Error(err)
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
			if *rewrite && !t.Failed() {
				write(t, f)
			}
		})
	}
}
