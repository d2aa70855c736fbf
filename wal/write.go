package wal

import (
	"time"

	"github.com/laminadb/lamina/internal/invariants"
)

// Write writes a batch with one call a file, and syncs it if asked to. A file is begun only after
// its predecessor was synced. The first failure poisons the log; nothing is tried twice, because
// after a failed sync the file system may have dropped what it could not write.
func (l *Log) Write(b Batch, sync bool) error {
	invariants.Assert(l.writer.busy.CompareAndSwap(false, true), "two writers of the log")
	defer l.writer.busy.Store(false)
	l.mu.Lock()
	err, durable := l.mu.err, l.mu.durable
	l.mu.Unlock()
	if err != nil {
		return ErrPoisoned.WithDetail("%v", err)
	}
	for i := range b.segments {
		if err := l.writeSegment(&b.segments[i]); err != nil {
			return l.failed(err)
		}
	}
	sync = sync && b.end > durable
	if sync {
		if err := l.syncFile(); err != nil {
			return l.failed(err)
		}
	}
	l.stats.groups.Add(1)
	l.wrote(b, sync)
	return nil
}

func (l *Log) writeSegment(s *segment) error {
	if s.file != l.writer.file {
		if err := l.leaveFile(); err != nil {
			return err
		}
		l.writer.file = s.file
	}
	l.stats.writes.Add(1)
	if _, err := s.file.WriteAt(s.buf, s.off); err != nil {
		return ioError("write", s.file.name, err)
	}
	return nil
}

// leaveFile syncs and closes the current file before the first byte of the next one is written.
func (l *Log) leaveFile() error {
	f := l.writer.file
	if f == nil {
		return nil
	}
	if !invariants.Mutant("wal-skip-rotation-sync") {
		if err := l.syncFile(); err != nil {
			return err
		}
	}
	l.writer.file = nil
	if err := f.Close(); err != nil {
		return ioError("close", f.name, err)
	}
	return nil
}

func (l *Log) syncFile() error {
	f := l.writer.file
	if f == nil || invariants.Mutant("wal-skip-fsync") {
		return nil
	}
	l.stats.syncs.Add(1)
	defer l.stats.syncTimes.Since(time.Now())
	if err := f.SyncData(); err != nil {
		return ioError("sync", f.name, err)
	}
	return nil
}

// wrote notes what has become written and durable, and takes the buffers back.
func (l *Log) wrote(b Batch, synced bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.written = b.end
	switch n := len(b.segments); {
	case synced:
		l.mu.durable = b.end
	case n > 0:
		// A file that was begun proves its predecessor, and nothing of itself.
		l.mu.durable = max(l.mu.durable, b.segments[n-1].after)
	}
	l.durable.Store(uint64(l.mu.durable))
	for i := range b.segments {
		if buf := b.segments[i].buf; cap(buf) <= spareBufferBytes && len(l.mu.spare) < spareBuffers {
			l.mu.spare = append(l.mu.spare, buf[:0])
		}
	}
	if len(l.mu.lists) < spareBuffers && cap(b.segments) > 0 {
		clear(b.segments)
		l.mu.lists = append(l.mu.lists, b.segments[:0])
	}
}

func (l *Log) failed(err error) error {
	l.Fail(err)
	return err
}
