package oltp

import (
	"context"
	"errors"
	"os"
	"path/filepath"
)

// Sizes of the bare loop: a record as large as that of a one-row commit, and a file that is written
// over and over, as recycled log files are.
const (
	bareRecordBytes = 160
	bareFileBytes   = 16 << 20
)

// bare is the loop that only appends and syncs.
type bare struct {
	f      *os.File
	record [bareRecordBytes]byte
}

func openBare(dir string) (*bare, error) {
	f, err := os.Create(filepath.Join(dir, "bare"))
	if err != nil {
		return nil, err
	}
	zeros := make([]byte, 1<<20)
	for range bareFileBytes / len(zeros) {
		if _, err := f.Write(zeros); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	if err := f.Sync(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	b := &bare{f: f}
	for i := range b.record {
		b.record[i] = byte(i)
	}
	return b, nil
}

func (b *bare) append(_ context.Context, _ int, i int64) error {
	at := i % (bareFileBytes / bareRecordBytes) * bareRecordBytes
	if _, err := b.f.WriteAt(b.record[:], at); err != nil {
		return err
	}
	return syncData(b.f)
}

func (b *bare) close() error { return b.f.Close() }
