package wal

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

const (
	testDir       = "log"
	testFileBytes = 64 << 10
)

var testID = ID{1, 2, 3}

func testOptions() Options { return Options{ID: testID, FileBytes: testFileBytes} }

// payloadOf returns the payload of the record with an LSN: of a length and a content that follow
// from it, so that a replay can be checked without a model.
func payloadOf(lsn table.LSN) []byte {
	rng := rand.New(rand.NewPCG(uint64(lsn), 7))
	n := rng.IntN(64)
	switch rng.IntN(12) {
	case 0:
		n = 0
	case 1:
		n = 600 + rng.IntN(3000)
	case 2:
		n = 60 + rng.IntN(600)
	}
	b := make([]byte, 0, n+8)
	for len(b) < n {
		b = binary.LittleEndian.AppendUint64(b, rng.Uint64())
	}
	return b[:n]
}

// writer drives a Log the way a pipeline does, from one goroutine and in a reproducible order.
type writer struct {
	*Log
	next  table.LSN
	acked table.LSN // highest LSN known to be durable
}

func newWriter(l *Log) *writer {
	lsn, _ := l.Last()
	return &writer{Log: l, next: lsn + 1, acked: lsn}
}

// settled waits until the preparer has nothing to do, so that calls to the file system come in the
// same order in every run.
func (w *writer) settled() {
	for {
		w.mu.Lock()
		changed := w.mu.changed
		done := len(w.mu.ready) >= w.opts.ReadyFiles || w.mu.err != nil || w.mu.prepareErr != nil
		w.mu.Unlock()
		if done {
			return
		}
		<-changed
	}
}

// group appends and writes n commits.
func (w *writer) group(n int, sync bool) error {
	for range n {
		p := payloadOf(w.next)
		e := &Entry{Kind: Commit, LSN: w.next, Time: int64(w.next) * 10, Payload: p, Sum: PayloadSum(p)}
		if err := w.add(e); err != nil {
			return err
		}
		w.next++
	}
	return w.flush(sync)
}

func (w *writer) add(e *Entry) error {
	err := w.Room(len(e.Payload), false)
	if IsNoRoom(err) {
		err = w.WaitRoom(context.Background(), len(e.Payload), false)
	}
	if err != nil {
		return err
	}
	w.Append(e)
	w.settled()
	return nil
}

func (w *writer) flush(sync bool) error {
	if err := w.Write(w.Cut(), sync); err != nil {
		return err
	}
	if sync {
		w.acked = w.next - 1
	}
	return nil
}

// replayer checks what a replay hands out.
type replayer struct {
	next    table.LSN // 0: take the first
	records int
	kinds   map[Kind]int
}

func (r *replayer) check(rec *Record) error {
	if r.kinds == nil {
		r.kinds = map[Kind]int{}
	}
	r.kinds[rec.Kind]++
	r.records++
	if rec.Kind != Commit {
		return nil
	}
	if r.next == 0 {
		r.next = rec.LSN
	}
	if rec.LSN != r.next {
		return fmt.Errorf("replayed LSN %d instead of %d", rec.LSN, r.next)
	}
	if rec.Time != int64(rec.LSN)*10 {
		return fmt.Errorf("LSN %d has time %d", rec.LSN, rec.Time)
	}
	if string(rec.Payload) != string(payloadOf(rec.LSN)) {
		return fmt.Errorf("payload of LSN %d differs", rec.LSN)
	}
	r.next++
	return nil
}

// open opens a log and checks the replay; from is the LSN at o.From.
func open(fs vfs.FS, o Options, from table.LSN) (*writer, RecoveryInfo, error) {
	r := replayer{next: from + 1}
	l, info, err := Open(fs, testDir, o, r.check)
	if err != nil {
		return nil, info, err
	}
	if info.LastLSN != r.next-1 {
		return nil, info, fmt.Errorf("last LSN %d, but %d was replayed", info.LastLSN, r.next-1)
	}
	w := newWriter(l)
	w.settled()
	return w, info, nil
}

func mustOpen(t *testing.T, fs vfs.FS, o Options) (*writer, RecoveryInfo) {
	t.Helper()
	w, info, err := open(fs, o, 0)
	if err != nil {
		t.Fatal(err)
	}
	return w, info
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, err error, code sqlerr.Code) {
	t.Helper()
	if got := sqlerr.CodeOf(err); got != code {
		t.Fatalf("error %v has code %s, want %s", err, got, code)
	}
}

// wantDamage checks that err is damage of a file at an offset.
func wantDamage(t *testing.T, err error, file string, offset int64) {
	t.Helper()
	wantCode(t, err, sqlerr.DataCorrupted)
	d, ok := errors.AsType[*DamageError](err)
	if !ok || d.File != file || d.Offset != offset {
		t.Fatalf("got %v, want damage of %s at %d", err, file, offset)
	}
}

// readAll returns the content of a file.
func readAll(t *testing.T, fs vfs.FS, name string) []byte {
	t.Helper()
	f, err := fs.Open(fs.PathJoin(testDir, name))
	must(t, err)
	defer func() { _ = f.Close() }()
	st, err := f.Stat()
	must(t, err)
	b := make([]byte, st.Size())
	must(t, readFull(f, b, 0))
	return b
}

// overwrite changes a file behind the log's back.
func overwrite(t *testing.T, fs vfs.FS, name string, off int64, b []byte) {
	t.Helper()
	f, err := fs.OpenReadWrite(fs.PathJoin(testDir, name), vfs.WriteCategoryUnspecified)
	must(t, err)
	_, err = f.WriteAt(b, off)
	must(t, err)
	must(t, f.Sync())
	must(t, f.Close())
}
