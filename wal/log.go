package wal

import (
	"crypto/rand"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// Limits and defaults of Options.
const (
	FileBytesMin     = 16 << 10
	FileBytesMax     = 1 << 30
	FileBytesDefault = 16 << 20
	ReadyFilesMin    = 2
	ReadyFilesMax    = 64
	recordBytesMax   = 4 << 20
	spareBuffers     = 8       // buffers of groups that are kept for reuse
	spareBufferBytes = 1 << 20 // larger ones are left to the garbage collector
	mandatoryReserve = 1       // ready files that only urgent records may use
	recycleMax       = 256     // files that are kept for recycling
)

// Options configure a Log. The zero value works.
type Options struct {
	// ID is the identity of the database. Zero: a new log draws one, an existing log keeps its own.
	// An existing log with another identity is refused.
	ID ID
	// FileBytes is the size of each new log file. Default 16 MiB.
	FileBytes int64
	// ReadyFiles is how many files are kept ready ahead of use, one of them for checkpoints alone.
	// Default 2, which is also the minimum.
	ReadyFiles int
	// From is the position from which records are replayed: that of the last checkpoint. All
	// before it was durable when the checkpoint was made. Zero replays everything.
	From Position
}

func (o *Options) fill() error {
	if o.FileBytes == 0 {
		o.FileBytes = FileBytesDefault
	}
	if o.ReadyFiles == 0 {
		o.ReadyFiles = ReadyFilesMin
	}
	var errs []error
	if o.FileBytes < FileBytesMin || o.FileBytes > FileBytesMax || o.FileBytes%4096 != 0 {
		errs = append(errs, sqlerr.Newf(sqlerr.InvalidParameterValue,
			"log file size %d is not a multiple of 4096 from %d to %d", o.FileBytes, FileBytesMin, FileBytesMax))
	}
	if o.ReadyFiles < ReadyFilesMin || o.ReadyFiles > ReadyFilesMax {
		errs = append(errs, sqlerr.Newf(sqlerr.InvalidParameterValue,
			"number of ready log files %d is not from %d to %d", o.ReadyFiles, ReadyFilesMin, ReadyFilesMax))
	}
	return errors.Join(errs...)
}

// ErrClosed is returned by a Log that was closed.
var ErrClosed = sqlerr.New(sqlerr.AdminShutdown, "the log is closed")

// ErrPoisoned is returned to those who come after the log's first failure. Nothing of theirs was
// written. Its detail names the failure.
var ErrPoisoned = sqlerr.New(sqlerr.IOError, "the log failed and must be reopened")

// Log is the append side of the log. See the package comment for its use.
type Log struct {
	fs   vfs.FS
	dir  string
	opts Options
	id   ID
	seed uint32

	mu struct {
		sync.Mutex
		err    error // first failure, final
		closed bool

		cur      *logFile
		end      Position // after the last appended record
		chain    uint32   // sum of the last appended header
		lastLSN  table.LSN
		lastTime int64
		durable  Position // all before it is known to be on disk
		written  Position // all before it was written
		segments []segment
		spare    [][]byte // buffers and lists of written groups, for reuse
		lists    [][]segment

		live    []liveFile // oldest first, the current file last
		ready   []*logFile // prepared, in the order of their epochs
		recycle []string   // names of whole files that may be overwritten
		epoch   uint32     // last epoch given to a file
		used    int        // files begun since the last truncation
		// expected is how many files are used between truncations, on average.
		expected float64
		streams  map[*Stream]struct{}
		pins     map[*Pin]struct{}

		prepareErr error         // why the last attempt to prepare a file failed
		attempts   uint64        // begun so far
		failed     uint64        // the last of them that failed
		changed    chan struct{} // closed and replaced when ready, prepareErr or err changes
	}
	wake     chan struct{} // tells the preparer to look again
	stop     chan struct{}
	prepared chan struct{} // closed when the preparer has ended

	// The writer's state belongs to whoever is in Write.
	writer struct {
		busy atomic.Bool // asserted
		file *logFile
	}

	durable atomic.Uint64 // mu.durable, for readers without the lock
	stats   counters
}

// segment is the part of a group that goes into one file.
type segment struct {
	file *logFile
	off  int64
	buf  []byte
	// after is, for a segment that begins a file, where the file before ended.
	after Position
}

// liveFile is a file that holds records.
type liveFile struct {
	epoch uint32
	size  int64
	end   uint32 // where its records end; 0 for the current file
}

type counters struct {
	records, bytes, groups, writes, syncs, created, recycled, removed atomic.Int64
	syncTimes                                                         table.Histogram
}

// Stats counts what a Log has done since it was opened, and says how large it is.
type Stats struct {
	Records, Bytes           int64 // appended, headers and padding included
	Groups                   int64 // batches written
	Writes, Syncs            int64 // calls to the file system for batches
	Created, Recycled        int64 // files prepared by writing zeros, by renaming
	Removed                  int64 // files removed by truncation
	LiveFiles, ReadyFiles    int
	LiveBytes, ReservedBytes int64 // of live files, of ready and recyclable files
}

// Open recovers the log in dir, creates one if there is none, and calls replay for each record at
// or after Options.From, in order, except chunks and marks. An error of replay ends Open. The
// directory must be locked by the caller. When Open returns, everything replayed is durable and
// the end of the recovered log is sealed by a new file.
func Open(fs vfs.FS, dir string, o Options, replay func(*Record) error) (*Log, RecoveryInfo, error) {
	if err := o.fill(); err != nil {
		return nil, RecoveryInfo{}, err
	}
	l := &Log{fs: fs, dir: dir, opts: o}
	l.wake, l.stop, l.prepared = make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	l.mu.changed = make(chan struct{})
	l.mu.streams, l.mu.pins = map[*Stream]struct{}{}, map[*Pin]struct{}{}
	if err := l.fs.MkdirAll(l.dir, 0o755); err != nil {
		return nil, RecoveryInfo{}, ioError("create directory of", l.dir, err)
	}
	info, err := l.recover(replay)
	if err != nil {
		return nil, info, err
	}
	if info.Created { // the directory may be as new as the log
		if err := syncDir(l.fs, l.fs.PathDir(l.dir)); err != nil {
			return nil, info, ioError("sync directory above", l.dir, err)
		}
	}
	if err := l.begin(); err != nil {
		l.closeFiles()
		return nil, info, err
	}
	go l.prepareLoop()
	return l, info, nil
}

// newID draws the identity of a new log.
func newID() (id ID) {
	_, _ = rand.Read(id[:]) // never fails
	return id
}

// begin starts the file that follows what was recovered. Its header and a mark are durable
// before anything of the recovered state is shown, so that a tail that was cut stays cut.
func (l *Log) begin() error {
	if invariants.Mutant("wal-append-recovered") && l.mu.end != 0 {
		return l.continueRecovered()
	}
	f, _, err := l.prepareFile()
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.mu.ready = append(l.mu.ready, f)
	l.rotateLocked()
	l.mu.Unlock()
	l.Append(&Entry{Kind: Mark})
	return l.Write(l.Cut(), true)
}

// continueRecovered breaks the rule that a recovered file is never appended to.
func (l *Log) continueRecovered() error {
	last := l.mu.live[len(l.mu.live)-1]
	f, err := l.fs.OpenReadWrite(l.path(fileName(last.epoch)), diskCategory)
	if err != nil {
		return err
	}
	l.mu.cur = &logFile{f, fileName(last.epoch), last.epoch, last.size}
	l.writer.file = l.mu.cur
	return nil
}

// ID returns the identity of the log.
func (l *Log) ID() ID { return l.id }

// MaxRecord returns the size of the largest payload that Append takes.
func (l *Log) MaxRecord() int { return maxRecord(l.opts.FileBytes) }

// maxRecord keeps what a rotation leaves unused below a quarter of a file.
func maxRecord(fileBytes int64) int {
	return int(min(recordBytesMax, (fileBytes-fileHeaderBytes)/4)) - recordHeaderBytes
}

// End returns the position after the last appended record.
func (l *Log) End() Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.end
}

// Last returns the LSN and the timestamp of the last replicated record appended.
func (l *Log) Last() (table.LSN, int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.lastLSN, l.mu.lastTime
}

// Durable returns the position up to which the log is on disk.
func (l *Log) Durable() Position { return Position(l.durable.Load()) }

// Err returns the failure that poisoned the log, or nil.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.err
}

// Fail poisons the log, unless an earlier failure did: later appends are refused with err.
func (l *Log) Fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failLocked(err)
}

func (l *Log) failLocked(err error) {
	if l.mu.err == nil && err != nil {
		l.mu.err = err
		l.signalLocked()
	}
}

// refusedLocked is the error for a writer that comes after the failure: 58030, whatever the cause.
func (l *Log) refusedLocked() error {
	if l.mu.closed {
		return ErrClosed
	}
	if l.mu.err != nil {
		return ErrPoisoned.WithDetail("%v", l.mu.err)
	}
	return nil
}

// signalLocked tells those who wait in WaitRoom that something has changed.
func (l *Log) signalLocked() {
	close(l.mu.changed)
	l.mu.changed = make(chan struct{})
}

// SyncTimes returns how long the syncs of batches took.
func (l *Log) SyncTimes() table.Distribution { return l.stats.syncTimes.Distribution() }

// Stats returns counters and sizes.
func (l *Log) Stats() Stats {
	s := Stats{
		Records: l.stats.records.Load(), Bytes: l.stats.bytes.Load(), Groups: l.stats.groups.Load(),
		Writes: l.stats.writes.Load(), Syncs: l.stats.syncs.Load(), Created: l.stats.created.Load(),
		Recycled: l.stats.recycled.Load(), Removed: l.stats.removed.Load(),
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s.LiveFiles, s.ReadyFiles = len(l.mu.live), len(l.mu.ready)+len(l.mu.recycle)
	for _, f := range l.mu.live {
		s.LiveBytes += f.size
	}
	s.ReservedBytes = int64(s.ReadyFiles) * l.opts.FileBytes
	return s
}

// Close writes what is appended, proves it by a mark, and closes the files. The caller has
// ended all other use. It returns the failure that poisoned the log, if any.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.mu.closed {
		l.mu.Unlock()
		return ErrClosed
	}
	err := l.mu.err
	l.mu.Unlock()
	if err == nil {
		err = l.seal()
	}
	l.mu.Lock()
	l.mu.closed = true
	l.signalLocked()
	l.mu.Unlock()
	close(l.stop)
	<-l.prepared
	if cerr := l.closeFiles(); err == nil {
		err = cerr
	}
	return err
}

// seal syncs the log and appends a mark, which proves that everything before it was durable.
func (l *Log) seal() error {
	if err := l.Write(l.Cut(), true); err != nil {
		return err
	}
	if l.Room(0, true) != nil {
		return nil // no room for the mark: what is synced stays synced
	}
	l.Append(&Entry{Kind: Mark})
	return l.Write(l.Cut(), true)
}

func (l *Log) closeFiles() error {
	var errs []error
	if f := l.writer.file; f != nil {
		errs = append(errs, f.Close())
		l.writer.file = nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.mu.ready {
		errs = append(errs, f.Close())
	}
	l.mu.ready = nil
	if err := errors.Join(errs...); err != nil {
		return ioError("close", l.dir, err)
	}
	return nil
}

func (l *Log) assertOrder(e *Entry) {
	if !invariants.Enabled {
		return
	}
	invariants.Assert(e.Kind.Known(), "append of unknown %v", e.Kind)
	if e.Kind.Replicated() {
		invariants.Assert(e.LSN == l.mu.lastLSN+1, "append of LSN %d after %d", e.LSN, l.mu.lastLSN)
		invariants.Assert(e.Time > l.mu.lastTime, "append of time %d after %d", e.Time, l.mu.lastTime)
	} else {
		invariants.Assert(e.LSN == 0 && e.Time == 0, "append of %v with an LSN or a time", e.Kind)
	}
}
