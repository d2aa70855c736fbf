package wal

import (
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/internal/backup"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/table"
)

// PinAll keeps everything that the log has now from being truncated: what a replay from the last durable checkpoint reads,
// chunks of streams before it included.
func (l *Log) PinAll() *Pin {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := &Pin{l, NewPosition(l.mu.live[0].epoch, 0)}
	if !invariants.Mutant("backup-forget-pin") {
		l.mu.pins[p] = struct{}{}
	}
	return p
}

// CopyTo copies the log from the pin's position on up to what is durable now, makes the copy durable, and returns the LSN of
// its last record. The pin moves on with what is copied. Records are appended meanwhile.
func (p *Pin) CopyTo(to *backup.Target) (table.LSN, error) {
	l := p.log
	list, until := p.durableFiles()
	if err := to.Make(); err != nil {
		return 0, err
	}
	for _, f := range list {
		p.Advance(NewPosition(f.epoch, 0))
		name := fileName(f.epoch)
		if err := to.Copy(l.path(name), name, int64(f.end)); err != nil {
			return 0, err
		}
	}
	if err := to.Sync(); err != nil {
		return 0, err
	}
	return l.lastBefore(until)
}

// durableFiles returns the files from the pin on with as much of each as is durable, and the position up to which that is.
func (p *Pin) durableFiles() ([]liveFile, Position) {
	l := p.log
	l.mu.Lock()
	defer l.mu.Unlock()
	until := l.mu.durable
	var list []liveFile
	for _, f := range l.mu.live {
		if f.epoch < p.pos.Epoch() || f.epoch > until.Epoch() {
			continue
		}
		if f.epoch == until.Epoch() {
			f.end = until.Offset()
		}
		list = append(list, f)
	}
	return list, until
}

// lastBefore returns the LSN of the last replicated record before a position that is durable, pinned, and the end of a
// record.
func (l *Log) lastBefore(until Position) (table.LSN, error) {
	name := fileName(until.Epoch())
	f, err := inspectFile(l.fs, l.dir, name, until.Epoch())
	if err != nil {
		return 0, err
	}
	if !f.valid {
		return 0, &DamageError{name, 0, "the file's header is not intact"}
	}
	last := f.header.nextLSN - 1
	r, err := l.NewReader(NewPosition(until.Epoch(), fileHeaderBytes))
	if err != nil {
		return 0, err
	}
	defer r.Close()
	for r.pos < until {
		h, _, err := r.step()
		if err != nil {
			return 0, err
		}
		if h.kind.Replicated() {
			last = h.lsn
		}
	}
	return last, nil
}

// CopyFiles copies a log that nobody writes, and makes the copy durable. It returns the LSN of the last record; what
// a power loss has torn after it is left out.
func CopyFiles(fs vfs.FS, dir string, from Position, to *backup.Target) (table.LSN, error) {
	report, err := Scan(fs, dir, from, nil)
	if err != nil {
		return 0, err
	}
	if err := to.Make(); err != nil {
		return 0, err
	}
	found, err := listFiles(fs, dir)
	if err != nil {
		return 0, err
	}
	for _, f := range found.logs {
		n := f.size
		if i := slices.IndexFunc(report.Files, func(r FileReport) bool { return r.Epoch == f.epoch }); i >= 0 {
			n = int64(report.Files[i].End)
		} else if slices.Contains(report.Other, f.name) {
			continue
		}
		if err := to.Copy(fs.PathJoin(dir, f.name), f.name, n); err != nil {
			return 0, err
		}
	}
	return report.LastLSN, to.Sync()
}
