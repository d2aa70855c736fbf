package store

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal/waltest"
)

// damageWays are what TestDamagedFiles does to a file: one bit is flipped, it is cut short, changes places with another one of its
// kind or of any kind, becomes what it was at an earlier time, or is gone.
var damageWays = []string{"flip", "cut", "swap", "swap kinds", "old", "remove"}

// damageRounds is how often each way is tried on each kind of file.
const damageRounds = 10

// TestDamagedFiles damages files of every kind of a database whose tables are columnar, or columnar and LSM. The error names the
// file, or every answer is right.
func TestDamagedFiles(t *testing.T) {
	columnar := []string{"segment", "sidecar", "manifest", "snapshot", "checkpoint", "version", "log file"}
	for _, c := range []struct {
		name  string
		with  func(*testing.T)
		kinds []string
	}{
		{"columnar", withSegments, columnar},
		{"mixed", withMixed, append([]string{"LSM table", "LSM manifest", "LSM options", "LSM marker"}, columnar...)},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.with(t)
			damageAll(t, newDamageCase(t), c.kinds)
		})
	}
}

func damageAll(t *testing.T, c *damageCase, kinds []string) {
	must(0, c.s.Close())(t)
	paths := c.paths(t)
	rng := rand.New(rand.NewPCG(8, 9))
	seen, whole, total := map[string]int{}, map[string]int{}, 0
	for n := range damageRounds * len(kinds) * len(damageWays) {
		kind, way := kinds[n%len(kinds)], damageWays[n/len(kinds)%len(damageWays)]
		if len(paths[kind]) == 0 {
			t.Fatalf("there is no %s: %v", kind, slices.Sorted(maps.Keys(paths)))
		}
		names, fs, what := c.damage(t, rng, paths, kind, way)
		if names == nil {
			continue
		}
		total++
		before, _ := fs.List("db/" + lsmDirName)
		err := answersOf(c, fs, rng.IntN(3) == 0, rng.IntN(2) == 0)
		if err == nil {
			whole[way+" "+kind]++
			continue
		}
		seen[way+" "+kind]++
		seen[kind]++
		seen[way]++
		if err := namesOne(err, names); err != nil {
			t.Errorf("case %d, %s: %v", n, what, err)
		}
		if strings.HasPrefix(kind, "LSM m") { // whoever puts the manifest back has all rows
			after, _ := fs.List("db/" + lsmDirName)
			slices.Sort(before)
			slices.Sort(after)
			if !slices.Equal(before, after) {
				t.Errorf("case %d, %s: the files were %v, and are %v", n, what, before, after)
			}
		}
	}
	t.Log(total, "cases; seen:", seen, "without an effect:", whole)
	if total < 300 {
		t.Errorf("only %d cases", total)
	}
	for _, what := range slices.Concat(kinds, damageWays) {
		if least := 4; seen[what] < least {
			t.Errorf("%s: %d were seen", what, seen[what])
		}
	}
}

// damage damages a file of a kind in an image. It returns the names of the files that are not what they were; none if the
// damage would be what a power loss may do, or changes nothing.
func (c *damageCase) damage(
	t *testing.T, rng *rand.Rand, paths map[string][]string, kind, way string,
) (names []string, fs *waltest.CrashFS, what string) {
	t.Helper()
	fs = c.image.Kill()
	path, off := paths[kind][rng.IntN(len(paths[kind]))], int64(0)
	if kind == "LSM marker" { // which is empty
		if way != "remove" {
			return nil, nil, ""
		}
	} else {
		path, off = pickByte(t, fs, rng, paths[kind])
	}
	what = fmt.Sprintf("%s of %s at %d", way, path, off)
	if name := nameOf(path); kind == "log file" && (way == "flip" && !c.matters(name, off) ||
		way != "flip" && (c.files[name].Epoch == 0 || c.files[name].Epoch >= c.proven.Epoch() || way == "cut" && !c.matters(name, off))) {
		return nil, nil, ""
	}
	switch way {
	case "old":
		b, err := readFile(c.early, path)
		if err != nil || bytes.Equal(b, must(readFile(fs, path))(t)) {
			return nil, nil, ""
		}
		must(0, writeFile(fs, path, b))(t)
		return []string{nameOf(path)}, fs, what
	case "swap kinds":
		all := slices.Sorted(maps.Keys(paths))
		all = slices.DeleteFunc(all, func(k string) bool { return k == "log file" || k == "LSM marker" })
		return damageFile(t, fs, rng, "swap", path, off, paths[all[rng.IntN(len(all))]]), fs, what
	}
	return damageFile(t, fs, rng, way, path, off, paths[kind]), fs, what
}

func nameOf(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// answersOf opens a database and reads all of it, by scans and look-ups; verified: Verify sees it first.
func answersOf(c *damageCase, fs *waltest.CrashFS, readOnly, verified bool) error {
	if verified {
		return openDamaged(c, fs, readOnly)
	}
	st, err := Open(table.Columnar{Dir: "db", Common: table.Common{FS: fs, LogFileBytes: crashLogFileBytes, ReadOnly: readOnly}})
	if err != nil {
		return err
	}
	s := st.(*Store)
	tables, journal, err := stateOf(s)
	if err == nil {
		var model map[string]*modelTable
		if model, err = c.o.prefix(journal, c.o.ackedLSN()); err == nil {
			for _, t := range model {
				if t.method == "memory" {
					clear(t.rows)
				}
			}
			err = sameTables(tables, model)
		}
	}
	return errors.Join(err, s.Close())
}

// damageFile damages a file in one way, and returns the names of those that are not what they were.
func damageFile(t *testing.T, fs *waltest.CrashFS, rng *rand.Rand, way, path string, off int64, like []string) []string {
	t.Helper()
	switch way {
	case "flip":
		flip(t, fs, path, off, rng.IntN(8))
	case "cut":
		tear(t, fs, path, off, true)
	case "swap":
		other := like[rng.IntN(len(like))]
		a, b := must(readFile(fs, path))(t), must(readFile(fs, other))(t)
		must(0, writeFile(fs, path, b))(t)
		must(0, writeFile(fs, other, a))(t)
		return []string{nameOf(path), nameOf(other)}
	case "remove":
		must(0, fs.Remove(path))(t)
	}
	return []string{nameOf(path)}
}

// namesOne checks that an error says that one of some files is damaged, a segment by either of its files.
func namesOne(err error, names []string) error {
	code := sqlerr.CodeOf(err)
	if code != sqlerr.DataCorrupted && code != sqlerr.ObjectNotInPrerequisiteState && (code != sqlerr.UndefinedFile || names[0] != versionName) {
		return fmt.Errorf("%s %w", code, err)
	}
	for _, name := range names {
		if stem, _, _ := strings.Cut(name, "."); strings.Contains(err.Error(), stem) {
			return nil
		}
	}
	return fmt.Errorf("%w does not name one of %v", err, names)
}
