package lamina

import (
	"io"
	"os"
)

// osFiles opens the operating system's files for COPY.
type osFiles struct{}

// Open opens a file for reading.
func (osFiles) Open(name string) (io.ReadCloser, error) { return os.Open(name) }

// Create opens a file for writing and empties it, or makes it.
func (osFiles) Create(name string) (io.WriteCloser, error) { return os.Create(name) }
