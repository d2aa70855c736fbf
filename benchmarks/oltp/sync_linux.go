package oltp

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncData waits until the file's bytes are on disk.
func syncData(f *os.File) error { return unix.Fdatasync(int(f.Fd())) }
