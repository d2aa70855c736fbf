//go:build unix

package lamina_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
)

// unwritableDir names the directory that a child process of TestUnwritableFolder opens.
const unwritableDir = "LAMINA_TEST_UNWRITABLE"

// nobody is a user without rights.
const nobody = 65534

// TestUnwritableFolder opens a database in a folder that the process may read but not write. Nothing stops root from writing: then
// a child process of another user does it.
func TestUnwritableFolder(t *testing.T) {
	if dir := os.Getenv(unwritableDir); dir != "" {
		openUnwritable(t, dir)
		return
	}
	dir, err := os.MkdirTemp("", "lamina-unwritable-") // t.TempDir is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(modes(dir, 0o755, 0o600, 0), os.RemoveAll(dir)) })
	db, err := lamina.Open(filepath.Join(dir, "db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	execRow(t, db)
	child := func(reads int) {
		t.Helper()
		if err := errors.Join(os.Mkdir(filepath.Join(dir, "empty"), 0o555), modes(dir, 0o555, 0o444, nobody)); err != nil {
			t.Fatal(err)
		}
		if got := asNobody(t, dir); got != reads {
			t.Errorf("read %d times, want %d", got, reads)
		}
		if err := errors.Join(modes(dir, 0o755, 0o600, 0), os.Remove(filepath.Join(dir, "empty"))); err != nil {
			t.Fatal(err)
		}
	}
	if os.Getuid() == 0 {
		child(0) // while it is open here
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	child(2)
}

// modes sets the modes of folders and files, and gives them to a user if the process is root.
func modes(dir string, folder, file fs.FileMode, uid int) error {
	if os.Getuid() != 0 {
		uid = -1
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	var folders []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			folders = append(folders, path)
			return errors.Join(os.Chown(path, uid, uid), os.Chmod(path, 0o755))
		}
		return errors.Join(os.Chown(path, uid, uid), os.Chmod(path, file))
	})
	for _, path := range folders {
		err = errors.Join(err, os.Chmod(path, folder))
	}
	return err
}

// asNobody runs the test again in a child process that is not root, and returns how often that read the database.
func asNobody(t *testing.T, dir string) int {
	t.Helper()
	exe, attr := os.Args[0], &syscall.SysProcAttr{}
	if os.Getuid() == 0 {
		exe = "/proc/self/exe" // the folder of the test's program is closed to other users
		if _, err := os.Stat(exe); err != nil {
			t.Skip("needs /proc/self/exe: root may write everywhere, so another user must run the test")
		}
		attr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	c := osexec.Command(exe, "-test.run=^TestUnwritableFolder$", "-test.count=1")
	c.Env, c.Dir, c.SysProcAttr = append(os.Environ(), unwritableDir+"="+dir), dir, attr
	out, err := c.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "child: all was opened") {
		t.Fatalf("%v\n%s", err, out)
	}
	return strings.Count(string(out), "child: read")
}

// openUnwritable is what the child does. While another process has the database open for writing, 55006 is all it gets.
func openUnwritable(t *testing.T, dir string) {
	for _, name := range []string{"db", "empty", "empty/below"} {
		_, err := lamina.Open(filepath.Join(dir, name), nil)
		if sqlerr.CodeOf(err) != sqlerr.IOError || !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %s %v", name, sqlerr.CodeOf(err), err)
		}
	}
	_, err := lamina.Open(filepath.Join(dir, "empty"), &lamina.Options{ReadOnly: true})
	wantCode(t, err, sqlerr.UndefinedFile, "an empty folder, for reading")
	_, err = lamina.Open(filepath.Join(dir, "empty", "below"), &lamina.Options{ReadOnly: true})
	wantCode(t, err, sqlerr.UndefinedFile, "no folder, for reading")
	for range 2 {
		db, err := lamina.Open(filepath.Join(dir, "db"), &lamina.Options{ReadOnly: true})
		if err != nil {
			wantCode(t, err, sqlerr.ObjectInUse, "for reading")
			continue
		}
		want(t, db, "7", "SELECT a FROM t")
		_, err = lamina.Open(filepath.Join(dir, "db"), &lamina.Options{ReadOnly: true})
		wantCode(t, err, sqlerr.ObjectInUse, "twice")
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		fmt.Println("child: read")
	}
	if !t.Failed() {
		fmt.Println("child: all was opened")
	}
}
