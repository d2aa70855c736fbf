package lamina_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// flipsEach is how many random bits of each kind of file are flipped, one at a time.
const flipsEach = 200

// TestBitFlips flips bits in a copy of a database: the open or Verify says damage and names the file, or nothing that the
// database shows has changed. A flip in the very last record of the log is a torn write: that record is gone.
func TestBitFlips(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db, err := lamina.Open("", smallLog(dir))
	if err != nil {
		t.Fatal(err)
	}
	exec(t, db, "CREATE TABLE t (a int4 PRIMARY KEY, b text); INSERT INTO t SELECT i, 'row ' || i FROM generate_series(1, 300) AS s(i)")
	if err := db.Checkpoint(context.Background()); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		exec(t, db, "UPDATE t SET b = b || '.' WHERE a % 3 = 0")
	}
	const rows = "SELECT count(*), sum(length(b)), sum(a) FROM t"
	before := text(t, db, rows)
	exec(t, db, "INSERT INTO t VALUES (1000, 'last')")
	accepted := map[string]bool{before: true, text(t, db, rows): true}
	copied := filepath.Join(t.TempDir(), "copy")
	if err := errors.Join(os.CopyFS(copied, os.DirFS(dir)), db.Close()); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(7, 7))
	for _, kind := range []string{"VERSION", "CHECKPOINT", "columnar/*.manifest", "columnar/*.snap", "wal/wal-*"} {
		files, err := filepath.Glob(filepath.Join(copied, kind))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", kind, len(files), err)
		}
		found := 0
		for range flipsEach {
			if flip(t, rng, copied, files[rng.IntN(len(files))], rows, accepted) {
				found++
			}
		}
		if t.Logf("%s: %d of %d flips found", kind, found, flipsEach); found < flipsEach*3/4 && kind != "wal/wal-*" || found < flipsEach/4 {
			t.Errorf("%s: only %d of %d flips were found", kind, found, flipsEach)
		}
	}
}

// flip flips one bit of a file, opens the database and puts the bit back. It reports whether damage was found.
func flip(t *testing.T, rng *rand.Rand, dir, file, rows string, accepted map[string]bool) bool {
	t.Helper()
	was, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	used := len(bytes.TrimRight(was, "\x00"))
	if used == 0 {
		return false // a log file that waits for its use
	}
	at := rng.IntN(used)
	b := bytes.Clone(was)
	b[at] ^= 1 << rng.IntN(8)
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	defer os.WriteFile(file, was, 0o600) //nolint:errcheck // the next read would tell
	name := filepath.Base(file)
	db, err := lamina.Open(dir, &lamina.Options{ReadOnly: true})
	if err != nil {
		if sqlerr.CodeOf(err) != sqlerr.DataCorrupted && sqlerr.CodeOf(err) != sqlerr.FeatureNotSupported || !strings.Contains(err.Error(), name) {
			t.Errorf("%s, byte %d: %s %v", name, at, sqlerr.CodeOf(err), err)
		}
		return true
	}
	defer db.Close() //nolint:errcheck // it was only read
	damaged := false
	err = db.Verify(context.Background(), func(d table.Damage) bool {
		damaged = true
		if !strings.Contains(d.File, name) {
			t.Errorf("%s, byte %d: damage in %s at %d", name, at, d.File, d.Offset)
		}
		return true
	})
	if err != nil {
		t.Errorf("%s, byte %d: %v", name, at, err)
	}
	if got := text(t, db, rows); !damaged && !accepted[got] {
		t.Errorf("%s, byte %d: nothing is said, and the rows are %s", name, at, got)
	}
	return damaged
}
