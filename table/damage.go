package table

import (
	"errors"
	"fmt"

	"github.com/laminadb/lamina/sqlerr"
)

// DamageError says that a file is not what was written. It carries SQLSTATE XX001.
type DamageError struct {
	// What is the kind of the file, as in "snapshot file".
	What string
	File string
	// Offset is where the part begins that is not intact: the smallest that has a checksum of its own.
	Offset int64
	Reason string
}

// Error says what is wrong and where.
func (e *DamageError) Error() string {
	return fmt.Sprintf("%s %s is damaged at offset %d: %s", e.What, e.File, e.Offset, e.Reason)
}

// Unwrap gives the error its SQLSTATE.
func (e *DamageError) Unwrap() error { return sqlerr.New(sqlerr.DataCorrupted, e.Error()) }

// Place returns file and offset.
func (e *DamageError) Place() (file string, offset int64) { return e.File, e.Offset }

// PlaceOf returns the place of the damage that an error speaks of.
func PlaceOf(err error) (file string, offset int64, ok bool) {
	var at interface {
		error
		Place() (file string, offset int64)
	}
	if !errors.As(err, &at) {
		return "", 0, false
	}
	file, offset = at.Place()
	return file, offset, true
}
