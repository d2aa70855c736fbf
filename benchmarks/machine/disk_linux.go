package machine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// inMemory are the file systems on which a sync costs nothing.
var inMemory = map[int64]string{
	unix.TMPFS_MAGIC: "tmpfs", unix.RAMFS_MAGIC: "ramfs", unix.HUGETLBFS_MAGIC: "hugetlbfs", unix.PROC_SUPER_MAGIC: "proc",
	unix.SYSFS_MAGIC: "sysfs",
}

// onDisk are those that are on disks, though some show no device.
var onDisk = map[int64]string{
	unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs",
	unix.F2FS_SUPER_MAGIC: "f2fs", 0x2fc12fc1: "zfs",
}

// FileSystem names the file system of a folder. One that is not on a disk is an error: durable writes to it
// measure nothing. What an overlay or a loop device writes to is looked at in its place.
func FileSystem(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return "", fmt.Errorf("file system: %w", err)
	}
	return fileSystem(dir, 0)
}

// layersMax bounds how many layers are looked through.
const layersMax = 4

func fileSystem(dir string, layer int) (string, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return "", fmt.Errorf("file system of %s: %w", dir, err)
	}
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		return "", fmt.Errorf("file system of %s: %w", dir, err)
	}
	kind := int64(s.Type)
	if kind == unix.OVERLAYFS_SUPER_MAGIC {
		return overlay(dir, layer)
	}
	device := filepath.Join("/sys/dev/block", fmt.Sprintf("%d:%d", unix.Major(st.Dev), unix.Minor(st.Dev)))
	if file, err := os.ReadFile(filepath.Join(device, "loop", "backing_file")); err == nil && layer < layersMax {
		return fileSystem(filepath.Dir(strings.TrimSpace(string(file))), layer+1)
	}
	name, _ := os.Readlink(device)
	return judge(dir, kind, filepath.Base(name))
}

// judge names a kind of file system on a device, "." if it has none of its own, or refuses it.
func judge(dir string, kind int64, device string) (string, error) {
	if name, ok := inMemory[kind]; ok {
		return "", notOnDisk(dir, name)
	}
	if strings.HasPrefix(device, "ram") || strings.HasPrefix(device, "zram") {
		return "", notOnDisk(dir, device)
	}
	name, known := onDisk[kind]
	switch {
	case known:
		return name, nil
	case device == ".":
		return "", notOnDisk(dir, fmt.Sprintf("a file system of type %#x without a device", kind))
	}
	return fmt.Sprintf("type %#x", kind), nil
}

func notOnDisk(dir, what string) error {
	return fmt.Errorf("%s is on %s, which is no disk: no durable figure is measured there, choose a folder on a disk with -dir", dir, what)
}

// overlay looks at the folder to which the overlay that holds dir writes.
func overlay(dir string, layer int) (string, error) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	upper := upperOf(string(mounts), dir)
	if layer < layersMax && upper != "" {
		if _, err := os.Stat(upper); err == nil {
			name, err := fileSystem(upper, layer+1)
			return "overlayfs on " + name, err
		}
	}
	return "overlayfs", nil
}

// upperOf returns the upper folder of the last overlay in a list of mounts that has dir below its mount point, ""
// if there is none.
func upperOf(mounts, dir string) (upper string) {
	best := -1
	for line := range strings.Lines(mounts) {
		f := strings.Fields(line)
		if len(f) < 10 || f[len(f)-3] != "overlay" {
			continue
		}
		point := f[4]
		below := dir == point || strings.HasPrefix(dir, strings.TrimSuffix(point, "/")+"/")
		if !below || len(point) < best {
			continue
		}
		best, upper = len(point), ""
		for option := range strings.SplitSeq(f[len(f)-1], ",") {
			if u, ok := strings.CutPrefix(strings.TrimSpace(option), "upperdir="); ok {
				upper = u
			}
		}
	}
	return upper
}
