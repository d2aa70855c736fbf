package lamina_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
)

// fullFS refuses to write to temporary files.
type fullFS struct{ vfs.FS }

type fullFile struct{ vfs.File }

func (fullFile) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// Create returns a file without room.
func (f fullFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, c)
	if err == nil && strings.Contains(name, ".temp") {
		file = fullFile{file}
	}
	return file, err
}

const spillQuery = "SELECT count(*), sum(n), count(DISTINCT k % 100) FROM (SELECT k, count(*) AS n FROM generate_series(1, 300000) g(k) GROUP BY k) x"

// TestSpills: queries that do not fit into their memory use temporary files, of which nothing is left.
func TestSpills(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, nil)
	ctx := t.Context()
	c, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	one := func() (n int64, err error) {
		var sum, some int64
		rows, err := c.Query(ctx, spillQuery)
		if err != nil {
			return 0, err
		}
		for rows.Next() {
			if err := rows.Scan(&n, &sum, &some); err != nil {
				t.Fatal(err)
			}
		}
		return n, errors.Join(rows.Err(), rows.Close())
	}
	exec := func(sql string) {
		t.Helper()
		if _, err := c.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	exec("SET query_memory = '6MB'")
	if n, err := one(); n != 300000 || err != nil {
		t.Fatal(n, err)
	}
	if n := db.Metrics().SpilledBytes; n == 0 {
		t.Fatal("nothing was spilled")
	}
	exec("SET temp_file_limit = '100kB'")
	if _, err := one(); sqlerr.CodeOf(err) != sqlerr.ConfigurationLimitExceeded {
		t.Fatal(err)
	}
	exec("RESET temp_file_limit")
	if n, err := one(); n != 300000 || err != nil {
		t.Fatal(n, err)
	}
	files, err := os.ReadDir(filepath.Join(dir, "temp"))
	if err != nil || len(files) > 0 {
		t.Fatal(files, err)
	}
}

// TestSpillsOnFullDisk: without room for temporary files the query alone fails.
func TestSpillsOnFullDisk(t *testing.T) {
	db := openDir(t, filepath.Join(t.TempDir(), "db"), &lamina.Options{FS: fullFS{vfs.Default}, QueryBytes: 6 << 20})
	ctx := t.Context()
	rows, err := db.Query(ctx, spillQuery)
	if err == nil {
		for rows.Next() {
			t.Error("there is a row")
		}
		err = errors.Join(rows.Err(), rows.Close())
	}
	if sqlerr.CodeOf(err) != sqlerr.DiskFull {
		t.Fatal(err)
	}
	if _, err := db.Exec(ctx, "CREATE TABLE t (a int); INSERT INTO t VALUES (1)"); err != nil {
		t.Fatal(err)
	}
}
