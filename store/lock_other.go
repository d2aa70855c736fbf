//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || solaris)

package store

import (
	"io"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// lockShared would lock a file that can only be read: this system has no such locks.
func lockShared(vfs.FS, string) (io.Closer, error) { return nil, syscall.EACCES }
