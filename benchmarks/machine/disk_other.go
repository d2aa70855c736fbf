//go:build !linux

package machine

// FileSystem names the file system of a folder; it is not known on this operating system.
func FileSystem(string) (string, error) { return "unknown file system", nil }
