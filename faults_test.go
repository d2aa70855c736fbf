package lamina_test

import (
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	osexec "os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
)

// openInChild names the directory that a child process of TestSecondOpener opens.
const openInChild = "LAMINA_TEST_OPEN"

// TestSecondOpener opens a directory that is open, in this process and in another.
func TestSecondOpener(t *testing.T) {
	if dir := os.Getenv(openInChild); dir != "" {
		db, err := lamina.Open(dir, nil)
		fmt.Printf("child: %s\n", sqlerr.CodeOf(err))
		if err == nil {
			err = db.Close()
		}
		if err != nil && sqlerr.CodeOf(err) != sqlerr.ObjectInUse {
			t.Fatal(err)
		}
		return
	}
	dir := t.TempDir()
	db, err := lamina.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	child := func() string {
		c := osexec.Command(os.Args[0], "-test.run=^TestSecondOpener$")
		c.Env = append(os.Environ(), openInChild+"="+dir)
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	_, err = lamina.Open(dir, nil)
	wantCode(t, err, sqlerr.ObjectInUse, "a second open")
	if got := child(); !strings.Contains(got, "child: 55006") {
		t.Errorf("another process: %s", got)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if got := child(); !strings.Contains(got, "child: 00000") {
		t.Errorf("another process, after Close: %s", got)
	}
}

// setVersion replaces the version file of a closed database.
func setVersion(t *testing.T, dir string, reader, writer int) {
	t.Helper()
	body := fmt.Sprintf("lamina directory\nreader %d\nwriter %d\n", reader, writer)
	sum := crc32.Checksum([]byte(body), crc32.MakeTable(crc32.Castagnoli))
	if err := os.WriteFile(filepath.Join(dir, "VERSION"), fmt.Appendf(nil, "%schecksum %08x\n", body, sum), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestNewerFormat opens directories that newer programs have written.
func TestNewerFormat(t *testing.T) {
	dir := t.TempDir()
	db, err := lamina.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	execRow(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		reader, writer int
		readOnly       bool
		says           string
	}{
		{1, 1, false, ""},
		{1, 2, true, ""},
		{1, 2, false, "writes format 2; this one writes up to 1"},
		{2, 2, true, "reads format 2; this one reads up to 1"},
		{2, 2, false, "reads format 2; this one reads up to 1"},
	} {
		setVersion(t, dir, c.reader, c.writer)
		db, err := lamina.Open(dir, &lamina.Options{ReadOnly: c.readOnly})
		if c.says == "" {
			if err != nil {
				t.Errorf("%+v: %v", c, err)
				continue
			}
			want(t, db, "7", "SELECT a FROM t")
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if sqlerr.CodeOf(err) != sqlerr.ObjectNotInPrerequisiteState || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %s %v", c, sqlerr.CodeOf(err), err)
		}
	}
}

func execRow(t *testing.T, db *lamina.DB) {
	t.Helper()
	exec(t, db, "CREATE TABLE t (a int4); INSERT INTO t VALUES (7)")
}

// openFiles counts the descriptors of the process; 0 where they cannot be counted.
func openFiles() int {
	list, _ := os.ReadDir("/proc/self/fd")
	return len(list)
}

// TestFailedOpensLeaveNothing opens what cannot be opened, again and again: no goroutine, no file stays open.
func TestFailedOpensLeaveNothing(t *testing.T) {
	dir := t.TempDir()
	db, err := lamina.Open(filepath.Join(dir, "db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	execRow(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "photos"), 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "photos", "cat.jpg")
	if err := errors.Join(os.WriteFile(file, []byte("miaow"), 0o600), os.Mkdir(filepath.Join(dir, "broken"), 0o700)); err != nil {
		t.Fatal(err)
	}
	setVersion(t, filepath.Join(dir, "broken"), 9, 9)
	refused := 0
	attempt := func() {
		for _, path := range []string{"photos", "photos/cat.jpg", "photos/cat.jpg/below", "broken"} {
			db, err := lamina.Open(filepath.Join(dir, path), nil)
			if err == nil {
				t.Errorf("%s was opened", path)
				_ = db.Close() // it should not be there
				continue
			}
			refused++
		}
	}
	attempt()
	goroutines, files := runtime.NumGoroutine(), openFiles()
	for range 20 {
		attempt()
	}
	goroutinesBack(t, goroutines)
	if n := openFiles(); n > files {
		t.Errorf("%d files are open, %d before", n, files)
	}
	if refused < 80 {
		t.Errorf("only %d opens were refused", refused)
	}
}
