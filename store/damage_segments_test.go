package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal/waltest"
)

// dataKinds are the files of the columnar tier.
var dataKinds = []string{"segment", "sidecar", "manifest", "snapshot"}

// TestDamagedSegments damages a file of the columnar tier: a bit is flipped, the file is cut short, changes places with
// another one of its kind, or is gone. The error names the file, or every answer is right.
func TestDamagedSegments(t *testing.T) {
	withSegments(t)
	c := newDamageCase(t)
	must(0, c.s.Close())(t)
	paths := c.paths(t)
	rng := rand.New(rand.NewPCG(8, 9))
	seen, whole := map[string]int{}, map[string]int{}
	for n := range 320 {
		kind, way := dataKinds[n%len(dataKinds)], []string{"flip", "flip", "cut", "swap", "remove"}[n/len(dataKinds)%5]
		fs := c.image.Kill()
		path, off := pickByte(t, fs, rng, paths[kind])
		names := damageFile(t, fs, rng, way, path, off, paths[kind])
		err := answersOf(c, fs, n%3 == 0, n%7 < 3)
		if err == nil {
			whole[way+" "+kind]++
			continue
		}
		seen[way+" "+kind]++
		if err := namesOne(err, names); err != nil {
			t.Errorf("case %d, %s of %s at %d: %v", n, way, path, off, err)
		}
	}
	t.Log("seen:", seen, "without an effect:", whole)
	for _, kind := range []string{"flip segment", "flip sidecar", "flip manifest", "cut segment", "cut sidecar", "remove segment", "remove sidecar"} {
		if seen[kind] < 4 {
			t.Errorf("%s: %d were seen", kind, seen[kind])
		}
	}
}

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
	base := func(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }
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
		return []string{base(path), base(other)}
	case "remove":
		must(0, fs.Remove(path))(t)
	}
	return []string{base(path)}
}

// namesOne checks that an error says that one of some files is damaged, a segment by either of its files.
func namesOne(err error, names []string) error {
	if code := sqlerr.CodeOf(err); code != sqlerr.DataCorrupted && code != sqlerr.ObjectNotInPrerequisiteState {
		return fmt.Errorf("%s %w", code, err)
	}
	for _, name := range names {
		if stem, _, _ := strings.Cut(name, "."); strings.Contains(err.Error(), stem) {
			return nil
		}
	}
	return fmt.Errorf("%w does not name one of %v", err, names)
}
