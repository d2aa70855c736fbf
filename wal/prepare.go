package wal

import (
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
)

// prepareLoop keeps Options.ReadyFiles files ahead of use. It is the Log's only goroutine and ends
// in Close. A full disk is kept for those who wait for room, and tried again when one of them asks;
// any other failure poisons the log.
func (l *Log) prepareLoop() {
	defer close(l.prepared)
	for {
		for l.wantsFile() {
			f, attempt, err := l.prepareFile()
			l.mu.Lock()
			switch {
			case err == nil:
				l.mu.ready = append(l.mu.ready, f)
			case vfs.IsNoSpaceError(err):
				l.mu.prepareErr = err
				l.mu.failed = attempt
			default:
				l.mu.prepareErr = err
				l.mu.failed = attempt
				l.failLocked(err)
			}
			l.signalLocked()
			l.mu.Unlock()
		}
		select {
		case <-l.wake:
		case <-l.stop:
			return
		}
	}
}

func (l *Log) wantsFile() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.mu.closed && l.mu.err == nil && l.mu.prepareErr == nil && len(l.mu.ready) < l.opts.ReadyFiles
}

func (l *Log) wakePreparer() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// prepareFile makes a file for the next epoch: a recycled one if there is any, else a new one full
// of zeros. Its name is durable when it returns. What a recycled file holds is of other epochs.
func (l *Log) prepareFile() (f *logFile, attempt uint64, err error) {
	l.mu.Lock()
	l.mu.attempts++
	attempt = l.mu.attempts
	old := ""
	if n := len(l.mu.recycle); n > 0 {
		old, l.mu.recycle = l.mu.recycle[0], l.mu.recycle[1:]
	}
	l.mu.epoch++
	epoch := l.mu.epoch
	l.mu.Unlock()
	if epoch == 0 {
		return nil, attempt, sqlerr.New(sqlerr.ProgramLimitExceeded, "the log has used up its file numbers")
	}
	f, err = l.makeFile(fileName(epoch), old, epoch)
	return f, attempt, err
}

// makeFile makes a file of an old one, or of nothing.
func (l *Log) makeFile(name, old string, epoch uint32) (*logFile, error) {
	if old == "" {
		old = tempPrefix + name
		if err := createZeroed(l.fs, l.path(old), l.opts.FileBytes); err != nil {
			_ = l.fs.Remove(l.path(old)) // gives the space back; what remains is removed at open
			return nil, ioError("create", name, err)
		}
		l.stats.created.Add(1)
	} else {
		l.stats.recycled.Add(1)
	}
	if err := l.fs.Rename(l.path(old), l.path(name)); err != nil {
		return nil, ioError("rename to", name, err)
	}
	if err := syncDir(l.fs, l.dir); err != nil {
		return nil, ioError("sync directory of", name, err)
	}
	f, err := l.fs.OpenReadWrite(l.path(name), diskCategory)
	if err != nil {
		return nil, ioError("open", name, err)
	}
	return &logFile{f, name, epoch, l.opts.FileBytes}, nil
}

func (l *Log) path(name string) string { return l.fs.PathJoin(l.dir, name) }

// Truncate gives back the files that end before upTo: the position from which the last durable
// checkpoint replays. Files that a pin, or a stream that is open or was committed at or after
// upTo, still needs are kept. As many whole files are kept for recycling as the log is expected to
// use until the next truncation, the others are removed.
func (l *Log) Truncate(upTo Position) error {
	l.mu.Lock()
	floor := l.floorLocked(upTo)
	var remove []string
	for len(l.mu.live) > 1 && l.mu.live[0].epoch < floor.Epoch() {
		f := l.mu.live[0]
		l.mu.live = slices.Delete(l.mu.live, 0, 1)
		if f.size == l.opts.FileBytes {
			l.mu.recycle = append(l.mu.recycle, fileName(f.epoch))
		} else {
			remove = append(remove, fileName(f.epoch))
		}
	}
	if keep := l.expectedLocked(); len(l.mu.recycle) > keep {
		remove = append(remove, l.mu.recycle[keep:]...)
		l.mu.recycle = slices.Clone(l.mu.recycle[:keep])
	}
	l.mu.prepareErr = nil // there may be room again
	l.mu.Unlock()
	l.wakePreparer()
	for _, name := range remove {
		if err := l.fs.Remove(l.path(name)); err != nil {
			return ioError("remove", name, err)
		}
		l.stats.removed.Add(1)
	}
	return nil
}

// expectedLocked estimates how many files will be used until the next truncation: as many as since
// the last one, or a slowly falling average if that were more.
func (l *Log) expectedLocked() int {
	used := float64(l.mu.used)
	l.mu.used = 0
	l.mu.expected = max(used, 0.8*l.mu.expected+0.2*used)
	return min(recycleMax, 1+int(l.mu.expected))
}

func (l *Log) floorLocked(upTo Position) Position {
	floor := min(upTo, l.mu.written)
	for p := range l.mu.pins {
		floor = min(floor, p.pos)
	}
	for s := range l.mu.streams {
		if s.sealed != 0 && s.sealed <= upTo {
			delete(l.mu.streams, s) // no replay will ask for it
			continue
		}
		if len(s.chunks) > 0 && !invariants.Mutant("wal-forget-streams") {
			floor = min(floor, s.chunks[0])
		}
	}
	return floor
}

// Pin keeps the files from a position on from being truncated.
type Pin struct {
	log *Log
	pos Position
}

// Pin keeps all from pos on. It reports false if that is gone already.
func (l *Log) Pin(pos Position) (*Pin, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if pos.Epoch() < l.mu.live[0].epoch {
		return nil, false
	}
	p := &Pin{l, pos}
	l.mu.pins[p] = struct{}{}
	return p, true
}

// Advance moves the pin forward, giving up what lies before pos.
func (p *Pin) Advance(pos Position) {
	p.log.mu.Lock()
	defer p.log.mu.Unlock()
	p.pos = max(p.pos, pos)
}

// Release gives up the pin. It may be called more than once.
func (p *Pin) Release() {
	p.log.mu.Lock()
	defer p.log.mu.Unlock()
	delete(p.log.mu.pins, p)
}
