package lamina_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal"
)

// flipsEach is how many random bits of each kind of file are flipped, one at a time.
const flipsEach = 200

// TestBitFlips flips bits in a copy of a database, as it is when its process is killed. The open or Verify says damage, names the
// file and the place: the part with a checksum of its own that has the bit. Only the last record of the log proves nothing
// about itself: damage there looks like a torn write, and what was committed with it is gone, whole.
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
	f := &flipper{t: t, dir: filepath.Join(t.TempDir(), "copy"), rng: rand.New(rand.NewPCG(7, 7)), before: text(t, db, flipRows)}
	exec(t, db, "INSERT INTO t VALUES (1000, 'last')")
	f.after = text(t, db, flipRows)
	if err := errors.Join(os.CopyFS(f.dir, os.DirFS(dir)), db.Close()); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"VERSION", "CHECKPOINT", "columnar/*.manifest", "columnar/*.snap", "wal/wal-*"} {
		f.kind(kind)
	}
	f.lastRecord()
}

// flipRows is what the database shows.
const flipRows = "SELECT count(*), sum(length(b)), sum(a) FROM t"

type flipper struct {
	t             *testing.T
	dir           string
	rng           *rand.Rand
	before, after string // flipRows without and with the last record
	records       []int  // where the records of the log begin
	log           string
}

// kind flips bits of the files of a pattern: all of them are found.
func (f *flipper) kind(pattern string) {
	f.t.Helper()
	files, err := filepath.Glob(filepath.Join(f.dir, pattern))
	if err != nil {
		f.t.Fatal(err)
	}
	used := map[string]int{} // bytes; a log file that waits for its use has none
	files = slices.DeleteFunc(files, func(file string) bool {
		b, err := os.ReadFile(file)
		if err != nil {
			f.t.Fatal(err)
		}
		used[file] = len(b)
		if strings.HasPrefix(pattern, "wal/") && !bytes.HasPrefix(b, make([]byte, 64)) {
			f.log, f.records = file, recordsOf(b)
			used[file] = f.records[len(f.records)-1]
		}
		return len(bytes.Trim(b, "\x00")) == 0
	})
	if len(files) == 0 {
		f.t.Fatalf("%s: no file", pattern)
	}
	for range flipsEach {
		file := files[f.rng.IntN(len(files))]
		at := f.rng.IntN(used[file])
		offset, found, _ := f.flip(file, at)
		switch {
		case !found:
			f.t.Errorf("%s, byte %d: nothing is said", file, at)
		case offset > at:
			f.t.Errorf("%s, byte %d: damage at %d", file, at, offset)
		case file == f.log && offset != f.recordAt(at):
			f.t.Errorf("%s, byte %d: damage at %d, the record begins at %d", file, at, offset, f.recordAt(at))
		}
	}
}

// lastRecord flips every byte of the last record.
func (f *flipper) lastRecord() {
	f.t.Helper()
	first := f.records[len(f.records)-1]
	b, err := os.ReadFile(f.log)
	if err != nil {
		f.t.Fatal(err)
	}
	rest, cut := f.before, 0
	if b[first+48] == byte(wal.Mark) { // a machine so slow that the log was idle
		rest = f.after
	}
	for at := first; at < len(bytes.TrimRight(b, "\x00")); at++ {
		offset, found, rows := f.flip(f.log, at)
		if found && offset != first || !found && rows != rest {
			f.t.Errorf("%s, byte %d: found %v at %d, the rows are %s", f.log, at, found, offset, rows)
		}
		if !found {
			cut++
		}
	}
	if f.before == f.after || cut < 40 || len(f.records) < 7 {
		f.t.Errorf("the last record was cut %d times, of %d", cut, len(f.records))
	}
}

// recordsOf returns the offsets of the header and of the records of a log file, see docs/format/wal.md.
func recordsOf(b []byte) []int {
	offsets := []int{0}
	for at := 64; at+56 <= len(b) && binary.LittleEndian.Uint32(b[at+8:]) == uint32(at); {
		offsets = append(offsets, at)
		at += (56 + int(binary.LittleEndian.Uint32(b[at+4:])) + 7) / 8 * 8
	}
	return offsets
}

// recordAt returns where the record begins that a byte of the log belongs to.
func (f *flipper) recordAt(at int) int {
	i, exact := slices.BinarySearch(f.records, at)
	if exact {
		return at
	}
	return f.records[i-1]
}

// flip flips one bit of a byte, opens the database and puts the bit back. It returns where damage was found, if it was, and
// the rows otherwise.
func (f *flipper) flip(file string, at int) (offset int, found bool, rows string) {
	f.t.Helper()
	was, err := os.ReadFile(file)
	if err != nil {
		f.t.Fatal(err)
	}
	b := bytes.Clone(was)
	b[at] ^= 1 << f.rng.IntN(8)
	if err := os.WriteFile(file, b, 0o600); err != nil {
		f.t.Fatal(err)
	}
	defer os.WriteFile(file, was, 0o600) //nolint:errcheck // the next read would tell
	name := filepath.Base(file)
	db, err := lamina.Open(f.dir, &lamina.Options{ReadOnly: true})
	if err != nil {
		return f.opened(name, at, err), true, ""
	}
	defer db.Close() //nolint:errcheck // it was only read
	err = db.Verify(context.Background(), func(d table.Damage) bool {
		found, offset = true, int(d.Offset)
		if filepath.Base(d.File) != name {
			f.t.Errorf("%s, byte %d: damage in %s at %d", name, at, d.File, d.Offset)
		}
		return true
	})
	if err != nil {
		f.t.Errorf("%s, byte %d: %v", name, at, err)
	}
	return offset, found, text(f.t, db, flipRows)
}

// opened returns where an open found damage. A version that is unknown is at the beginning of its file.
func (f *flipper) opened(name string, at int, err error) int {
	f.t.Helper()
	file, offset, ok := table.PlaceOf(err)
	if sqlerr.CodeOf(err) == sqlerr.FeatureNotSupported && strings.Contains(err.Error(), name) {
		return 0
	}
	if sqlerr.CodeOf(err) != sqlerr.DataCorrupted || !ok || filepath.Base(file) != name {
		f.t.Errorf("%s, byte %d: %s %v", name, at, sqlerr.CodeOf(err), err)
	}
	return int(offset)
}
