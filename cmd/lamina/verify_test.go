package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/table"
)

// TestVerifyNamesTheDamage flips single bits in each file of a directory: the command names the file, at
// or before the byte, and ends with exit code 1; only bits that belong to nothing go unseen.
func TestVerifyNamesTheDamage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	makeDatabase(t, dir)
	if v, code := verifyDir(t, dir); code != 0 || len(v.Damages) != 0 || v.Rows != 3000 {
		t.Fatalf("exit code %d, %+v", code, v)
	}
	rng := rand.New(rand.NewPCG(1, 9))
	seen := map[string]int{}
	for pattern, kind := range map[string]string{
		"wal/wal-*": "log", "CHECKPOINT": "checkpoint", "columnar/*.manifest": "manifest", "columnar/*.snap": "snapshot",
		"VERSION": "version",
	} {
		paths, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %v %v", pattern, paths, err)
		}
		for n := 0; n < 400 && seen[kind] < 20; n++ {
			path := paths[rng.IntN(len(paths))]
			if flipAndVerify(t, dir, path, rng) {
				seen[kind]++
			}
		}
	}
	t.Log(seen)
	for _, kind := range slices.Collect(maps.Keys(seen)) {
		if seen[kind] < 20 {
			t.Errorf("%s: %d flips were seen", kind, seen[kind])
		}
	}
	if len(seen) != 5 {
		t.Errorf("damage of %d kinds of files was seen", len(seen))
	}
}

func makeDatabase(t *testing.T, dir string) {
	t.Helper()
	db, err := lamina.Open(dir, &lamina.Options{Storage: table.Columnar{Common: table.Common{LogFileBytes: 64 << 10}}})
	if err != nil {
		t.Fatal(err)
	}
	for i, sql := range []string{
		"CREATE TABLE a (id int PRIMARY KEY, v text)",
		"INSERT INTO a SELECT g, 'value ' || g FROM generate_series(1, 2000) g",
		"CREATE TABLE b (id int, v text UNIQUE)",
		"INSERT INTO b SELECT g, 'value ' || g FROM generate_series(1, 1000) g",
	} {
		if _, err := db.Exec(t.Context(), sql); err != nil {
			t.Fatal(i, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// verifyDir runs the command.
func verifyDir(t *testing.T, dir string) (v verification, code int) {
	t.Helper()
	var out, errOut bytes.Buffer
	code = run([]string{"verify", "--json", dir}, nil, &out, &errOut)
	if err := json.Unmarshal(out.Bytes(), &v); err != nil || errOut.Len() > 0 {
		t.Fatalf("exit code %d, %v: %s%s", code, err, &out, &errOut)
	}
	return v, code
}

// flipAndVerify flips a bit of a file for the time of a verification, and reports whether it was seen.
func flipAndVerify(t *testing.T, dir, path string, rng *rand.Rand) bool {
	t.Helper()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// Log files are mostly zeros that wait for records.
	off := rng.IntN(len(whole))
	if used := len(bytes.TrimRight(whole, "\x00")); used > 0 {
		off = rng.IntN(used)
	}
	b := bytes.Clone(whole)
	b[off] ^= 1 << rng.IntN(8)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	v, code := verifyDir(t, dir)
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	place := fmt.Sprintf("%s, byte %d", path, off)
	if code == 0 && len(v.Damages) == 0 && v.Rows == 3000 && filepath.Base(filepath.Dir(path)) == "wal" {
		return false
	}
	if code != exitFailure || len(v.Damages) == 0 {
		t.Fatalf("%s: exit code %d, %+v", place, code, v)
	}
	for _, d := range v.Damages {
		if d.File != filepath.Base(path) || d.Offset > int64(off) || d.Error == "" {
			t.Fatalf("%s: reported as %+v", place, d)
		}
	}
	return true
}
