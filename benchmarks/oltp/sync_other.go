//go:build !linux

package oltp

import "os"

// syncData waits until the file's bytes are on disk.
func syncData(f *os.File) error { return f.Sync() }
