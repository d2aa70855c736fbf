package machine

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestNoDisk: what is not on a disk is refused, and the message says why and what to do.
func TestNoDisk(t *testing.T) {
	_, err := FileSystem("/proc")
	if err == nil || !strings.Contains(err.Error(), "is on proc, which is no disk") || !strings.Contains(err.Error(), "-dir") {
		t.Errorf("/proc: %v", err)
	}
	for _, c := range []struct {
		kind   int64
		device string
		want   string // "": refused
	}{
		{unix.TMPFS_MAGIC, ".", ""},
		{unix.RAMFS_MAGIC, ".", ""},
		{unix.EXT4_SUPER_MAGIC, "vda1", "ext4"},
		{unix.EXT4_SUPER_MAGIC, "ram0", ""},
		{unix.XFS_SUPER_MAGIC, "zram1", ""},
		{unix.BTRFS_SUPER_MAGIC, ".", "btrfs"},
		{0x1234, ".", ""},
		{0x1234, "sdb", "type 0x1234"},
	} {
		name, err := judge("/x", c.kind, c.device)
		if name != c.want || (err == nil) != (c.want != "") {
			t.Errorf("type %#x on %s: %q, %v", c.kind, c.device, name, err)
		}
	}
}

func TestUpperOf(t *testing.T) {
	const mounts = `22 1 0:20 / / rw - overlay overlay rw,lowerdir=/l,upperdir=/disk/upper,workdir=/w
23 22 0:21 / /data rw,nosuid shared:1 - overlay none rw,lowerdir=/l,upperdir=/memory/upper,workdir=/w
24 22 8:1 / /data/real rw - ext4 /dev/sda1 rw
`
	for dir, want := range map[string]string{"/": "/disk/upper", "/database": "/disk/upper", "/data": "/memory/upper", "/data/x": "/memory/upper"} {
		if got := upperOf(mounts, dir); got != want {
			t.Errorf("%s: %q, want %q", dir, got, want)
		}
	}
}

// TestMemoryFileSystem refuses the one that most machines have.
func TestMemoryFileSystem(t *testing.T) {
	var s unix.Statfs_t
	if unix.Statfs("/dev/shm", &s) != nil || s.Type != unix.TMPFS_MAGIC {
		t.Skip("needs tmpfs on /dev/shm: this machine has none there")
	}
	if _, err := FileSystem("/dev/shm"); err == nil || !strings.Contains(err.Error(), "is on tmpfs, which is no disk") {
		t.Errorf("/dev/shm: %v", err)
	}
}
