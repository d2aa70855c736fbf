package machine

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// inMemory are the file systems on which a sync costs nothing.
var inMemory = map[int64]string{unix.TMPFS_MAGIC: "tmpfs", unix.RAMFS_MAGIC: "ramfs"}

var onDisk = map[int64]string{
	unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs",
	unix.OVERLAYFS_SUPER_MAGIC: "overlayfs", unix.F2FS_SUPER_MAGIC: "f2fs", 0x2fc12fc1: "zfs",
}

// FileSystem names the file system of a folder. One that is kept in memory is an error: durable
// writes to it measure nothing.
func FileSystem(dir string) (string, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return "", fmt.Errorf("file system of %s: %w", dir, err)
	}
	if name, ok := inMemory[int64(s.Type)]; ok {
		return "", fmt.Errorf("%s is on %s, which is memory: choose a folder on a disk with --dir", dir, name)
	}
	if name, ok := onDisk[int64(s.Type)]; ok {
		return name, nil
	}
	return fmt.Sprintf("type %#x", s.Type), nil
}
