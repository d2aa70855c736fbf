package wal

import (
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/table"
)

// RecoveryInfo says what Open found.
type RecoveryInfo struct {
	// Created: there was no log.
	Created bool
	// LastLSN and LastTime are those of the last replicated record.
	LastLSN  table.LSN
	LastTime int64
	// End is where the recovered log ends; new records follow in a new file.
	End Position
	// Files were read; Records and Bytes of them were replayed, marks and chunks included.
	Files   int
	Records int64
	Bytes   int64
	// Unproven is how much of the log, at its end, no later record proved to be durable. Sealed:
	// the last record is a mark, as after a clean close.
	Unproven int64
	Sealed   bool
	// Cut: records after End were found that a power loss had torn.
	Cut bool
}

// recover reads the log, makes durable what it read, and sets the append side up to continue.
func (l *Log) recover(replay func(*Record) error) (RecoveryInfo, error) {
	found, err := listFiles(l.fs, l.dir)
	if err != nil {
		return RecoveryInfo{}, err
	}
	s := &scan{
		fs: l.fs, dir: l.dir, from: l.opts.From, files: found.logs, strict: true, id: l.opts.ID,
		yield: replay, secure: l.secure,
	}
	if err := s.run(); err != nil {
		return s.info, err
	}
	l.id = s.id
	if l.id == (ID{}) {
		l.id = newID()
	}
	l.seed = l.id.seed()
	l.adopt(s)
	return s.info, l.dropStrays(s, found.temps)
}

// adopt takes over the state at the end of the log and the files found.
func (l *Log) adopt(s *scan) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.end, l.mu.durable, l.mu.written = s.info.End, s.info.End, s.info.End
	l.durable.Store(uint64(s.info.End))
	l.mu.chain, l.mu.lastLSN, l.mu.lastTime = s.chain, s.info.LastLSN, s.info.LastTime
	for _, f := range s.files {
		l.mu.epoch = max(l.mu.epoch, f.epoch)
		if s.isLinked(f.epoch) {
			if n := len(l.mu.live); n > 0 {
				l.mu.live[n-1].end = f.header.prev.Offset()
			}
			l.mu.live = append(l.mu.live, liveFile{epoch: f.epoch, size: f.size})
		}
	}
	for _, r := range s.streams {
		st := &Stream{log: l, chunks: r.chunks, sealed: r.end}
		l.mu.streams[st] = struct{}{}
	}
}

// dropStrays hands the files that hold no part of the log to recycling: those that were prepared
// but not used, or whose first group was torn, and those that a truncation had given up. They get
// a new epoch before use, so that nothing they hold can be taken for a record.
func (l *Log) dropStrays(s *scan, temps []string) error {
	for _, f := range s.files {
		if s.isLinked(f.epoch) {
			continue
		}
		if f.size == l.opts.FileBytes && len(l.mu.recycle) < recycleMax {
			l.mu.recycle = append(l.mu.recycle, f.name)
			continue
		}
		if err := l.fs.Remove(l.path(f.name)); err != nil {
			return ioError("remove", f.name, err)
		}
	}
	for _, name := range temps {
		if err := l.fs.Remove(l.path(name)); err != nil {
			return ioError("remove", name, err)
		}
	}
	return nil
}

// secure makes the recovered part of the last file durable before anything of it is shown: what
// was read may be in the file system's cache only, and a failed sync of an earlier process may
// have left pages that look clean. What nothing proves durable is therefore written once more.
func (l *Log) secure(name string, b []byte, from, to uint32) error {
	if invariants.Mutant("wal-forget-recovery-sync") {
		return nil
	}
	f, err := l.fs.OpenReadWrite(l.path(name), diskCategory)
	if err != nil {
		return ioError("open", name, err)
	}
	defer func() { _ = f.Close() }()
	if from < to {
		if _, err := f.WriteAt(b[from:to], int64(from)); err != nil {
			return ioError("write", name, err)
		}
	}
	if err := f.SyncData(); err != nil {
		return ioError("sync", name, err)
	}
	return nil
}
