package lamina_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"testing"
	"time"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/table"
)

// filesOf adds up the files of a directory by the folder that they are in; those of segments of columnar tables on their own.
func filesOf(t *testing.T, dir string) (sums map[string]int64, total int64) {
	t.Helper()
	sums = map[string]int64{}
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			return nil
		}
		var info fs.FileInfo
		if err == nil {
			info, err = d.Info()
		}
		if errors.Is(err, fs.ErrNotExist) && path != dir {
			return nil // removed in the background since its folder was read
		}
		if err != nil {
			return err
		}
		folder, err := filepath.Rel(dir, filepath.Dir(path))
		if ext := filepath.Ext(path); folder == "columnar" && (ext == ".parquet" || ext == ".sidecar") {
			folder = "segments"
		}
		sums[folder] += info.Size()
		total += info.Size()
		return err
	}))
	return sums, total
}

// sizeIsThatOfFiles compares Size with the files of a directory, kind by kind.
func sizeIsThatOfFiles(t *testing.T, db *lamina.DB, dir, when string) {
	t.Helper()
	// The log prepares files, and the LSM tree compacts, in the background.
	for try := 0; ; try++ {
		size, err := db.Storage().Size(t.Context())
		must(t, err)
		sums, total := filesOf(t, dir)
		near := func(a, b int64) bool { return max(a, b)-min(a, b) <= max(b, 1)/100 }
		if near(size.Total(), total) && near(size.Log, sums["wal"]) && near(size.Snapshots, sums["columnar"]) &&
			near(size.Segments, sums["segments"]) && near(size.LSM, sums["lsm"]) && near(size.Other, sums["."]) {
			return
		}
		if try == 50 {
			t.Fatalf("%s: %+v, but the files have %d: %v", when, size, total, sums)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestSizeOfWhatWaits: files that are in no table any more count as long as they are there, because somebody reads them or a backup is
// being made.
func TestSizeOfWhatWaits(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db, err := lamina.Open(dir, nil)
	must(t, err)
	exec(t, db, "CREATE TABLE c (a int8 PRIMARY KEY, b text); CREATE TABLE l (a int8 PRIMARY KEY, b text) USING lsm")
	for _, name := range []string{"c", "l"} {
		exec(t, db, "INSERT INTO "+name+" SELECT g, repeat('x', 100) || g FROM generate_series(1, 20000) g")
	}
	exec(t, db, "VACUUM FULL c; VACUUM FULL l")
	segments := func() int64 {
		sums, _ := filesOf(t, dir)
		return sums["segments"]
	}
	before := segments()
	replace := func() {
		t.Helper()
		exec(t, db, "UPDATE c SET b = b || '.'")
		exec(t, db, "VACUUM FULL c")
		must(t, db.Checkpoint(t.Context()))
	}
	tx, err := db.Begin(t.Context(), table.TxOptions{Isolation: table.RepeatableRead})
	must(t, err)
	want(t, tx, "20000", "SELECT count(*) FROM c")
	replace()
	if now := segments(); now < before*3/2 {
		t.Errorf("segments have %d bytes, %d before, though a transaction reads the old ones", now, before)
	}
	sizeIsThatOfFiles(t, db, dir, "with an old snapshot")
	ended := make(chan error, 1)
	go func() {
		_, err := db.Backup(t.Context(), filepath.Join(filepath.Dir(dir), "copy"))
		ended <- err
	}()
	must(t, tx.Rollback())
	replace()
	sizeIsThatOfFiles(t, db, dir, "beside a backup")
	must(t, <-ended)
	exec(t, db, "VACUUM")
	must(t, db.Checkpoint(t.Context()))
	sizeIsThatOfFiles(t, db, dir, "after the backup")
	if now := segments(); now > before*3/2 {
		t.Errorf("segments have %d bytes at the end, %d before", now, before)
	}
	must(t, db.Close())
}

// TestSizeIsWhatTheFilesHave compares Size with the files of the directory, of all kinds.
func TestSizeIsWhatTheFilesHave(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	o := &lamina.Options{Storage: table.LSM{Common: table.Common{LogFileBytes: 1 << 20, DefaultMethod: "columnar"}, MemtableBytes: 256 << 10}}
	db, err := lamina.Open(dir, o)
	must(t, err)
	compared := 0
	compare := func(when string) {
		t.Helper()
		sizeIsThatOfFiles(t, db, dir, when)
		compared++
	}
	compare("new")
	exec(t, db, `CREATE TABLE c (a int8 PRIMARY KEY, b text); CREATE TABLE l (a int8 PRIMARY KEY, b text) USING lsm;
		CREATE TABLE m (a int8 PRIMARY KEY, b text) USING memory`)
	for _, name := range []string{"c", "l", "m"} {
		exec(t, db, "INSERT INTO "+name+" SELECT g, repeat('x', 100) || g FROM generate_series(1, 20000) g")
	}
	compare("with rows")
	must(t, db.Checkpoint(t.Context()))
	compare("after a checkpoint")
	exec(t, db, "DELETE FROM c WHERE a > 100; DELETE FROM l WHERE a > 100")
	exec(t, db, "VACUUM FULL c")
	exec(t, db, "VACUUM")
	must(t, db.Checkpoint(t.Context()))
	compare("after deletions")
	exec(t, db, "VACUUM FULL c")
	if sums, _ := filesOf(t, dir); sums["segments"] == 0 {
		t.Error("there are no segments")
	}
	compare("with segments")
	must(t, db.Close())
	db, err = lamina.Open(dir+"/./", o) // the same in other words
	must(t, err)
	compare("opened again")
	must(t, db.Close())
	if compared != 6 {
		t.Errorf("%d comparisons", compared)
	}
}
