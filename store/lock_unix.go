//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd || solaris

package store

import (
	"errors"
	"io"
	"sync"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// sharedLocks are the files on which this process has a shared lock: the system drops it as soon as any descriptor of the file
// is closed, so there is one at a time.
var sharedLocks struct {
	sync.Mutex
	names map[string]bool
}

// sharedLock is a lock for reading of a file that the process may not write.
type sharedLock struct {
	name string
	file vfs.File
}

// lockShared locks a file that can only be read: against a program that has the directory open for writing, not against other
// readers. A directory without the file is open nowhere.
func lockShared(fsys vfs.FS, name string) (io.Closer, error) {
	sharedLocks.Lock()
	defer sharedLocks.Unlock()
	if sharedLocks.names[name] {
		return nil, syscall.EAGAIN
	}
	file, err := fsys.Open(name)
	if isNotExist(err) {
		return io.NopCloser(nil), nil
	}
	if err != nil {
		return nil, err
	}
	if fd := file.Fd(); fd != vfs.InvalidFd {
		if err := syscall.FcntlFlock(fd, syscall.F_SETLK, &syscall.Flock_t{Type: syscall.F_RDLCK}); err != nil {
			return nil, errors.Join(err, file.Close())
		}
	}
	if sharedLocks.names == nil {
		sharedLocks.names = map[string]bool{}
	}
	sharedLocks.names[name] = true
	return &sharedLock{name, file}, nil
}

// Close gives the lock up.
func (l *sharedLock) Close() error {
	sharedLocks.Lock()
	defer sharedLocks.Unlock()
	delete(sharedLocks.names, l.name)
	return l.file.Close()
}
