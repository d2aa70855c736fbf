//go:build linux && !race

package types

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

const childWithoutZones = "LAMINA_TEST_WITHOUT_ZONES"

// TestZonesOfSystemsWithNone looks zones up in a process that sees no file but its own program, which must be linked
// statically: race builds are not.
func TestZonesOfSystemsWithNone(t *testing.T) {
	if os.Getenv(childWithoutZones) != "" {
		withoutZones(t)
		return
	}
	if os.Getuid() != 0 {
		t.Skip("needs root: only it may change the root of a process")
	}
	dir := t.TempDir()
	src, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close() //nolint:errcheck // only read
	dst, err := os.OpenFile(filepath.Join(dir, "test"), os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = io.Copy(dst, src); err == nil {
		err = dst.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/test", "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Path, cmd.Dir, cmd.Err = "/test", "/", nil
	cmd.Env = []string{childWithoutZones + "=1"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: dir}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func withoutZones(t *testing.T) {
	if _, err := os.Stat("/usr/share/zoneinfo"); err == nil {
		t.Fatal("the system's zones are there")
	}
	winter := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	for name, offset := range map[string]int{
		"Europe/Berlin": 3600, "america/new_york": -5 * 3600, "Asia/Kathmandu": 5*3600 + 45*60, "Australia/Lord_Howe": 11 * 3600,
	} {
		loc, err := SessionZone(name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, got := winter.In(loc).Zone(); got != offset {
			t.Errorf("%s: %d seconds east, want %d", name, got, offset)
		}
	}
	if _, err := SessionZone("Europe/Nowhere"); err == nil {
		t.Error("a zone that does not exist was found")
	}
}
