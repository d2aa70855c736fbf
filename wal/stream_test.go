package wal

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/wal/waltest"
)

// chunkOf is the i-th chunk of the tests' streams.
func chunkOf(i int) []byte { return bytes.Repeat([]byte{byte(i), byte(i >> 8)}, 3000) }

func addChunk(t *testing.T, w *writer, s *Stream, i int) {
	t.Helper()
	b := chunkOf(i)
	if err := w.Room(len(b), false); IsNoRoom(err) {
		must(t, w.WaitRoom(t.Context(), len(b), false))
	}
	s.Chunk(b, PayloadSum(b))
	must(t, w.flush(false))
}

func commitStream(t *testing.T, w *writer, s *Stream) {
	t.Helper()
	p := s.Seal([]byte("rest"))
	must(t, w.add(&Entry{Kind: Commit, LSN: w.next, Time: int64(w.next) * 10, Payload: p, Sum: PayloadSum(p), Stream: s}))
	w.next++
	must(t, w.flush(true))
}

// checkStream checks a record that refers to n chunks.
func checkStream(r *Record, n int) error {
	if len(r.Chunks) != n || string(r.Payload) != "rest" {
		return fmt.Errorf("%d chunks and %q", len(r.Chunks), r.Payload)
	}
	var buf []byte
	for i := range n {
		b, err := r.Chunk(i, buf)
		if err != nil {
			return err
		}
		if !bytes.Equal(b, chunkOf(i)) {
			return fmt.Errorf("chunk %d differs", i)
		}
		buf = b
	}
	return nil
}

// TestStreamSpansFiles writes a write set of several files in chunks. Its files stay until a
// checkpoint is behind the record that refers to them, over a restart too.
func TestStreamSpansFiles(t *testing.T) {
	const chunks = 40
	fs := waltest.NewCrashFS()
	w, _ := mustOpen(t, fs, testOptions())
	must(t, w.group(3, true))
	s := w.NewStream(false)
	for i := range chunks {
		addChunk(t, w, s, i)
		if i == chunks/2 {
			addChunk(t, w, s, 999)
			s.Cut(s.Len() - 1) // ROLLBACK TO
		}
	}
	must(t, w.flush(true))
	from := w.End() // the checkpoint falls between the chunks and the commit
	must(t, w.Truncate(from))
	if w.Stats().LiveFiles < 4 {
		t.Fatalf("%d files, the chunks fill more", w.Stats().LiveFiles)
	}
	commitStream(t, w, s)
	must(t, w.Truncate(from))

	o := testOptions()
	o.From = from
	im := fs.Kill()
	seen := 0
	l, _, err := Open(im, testDir, o, func(r *Record) error {
		seen++
		return checkStream(r, chunks)
	})
	must(t, err)
	if seen != 1 {
		t.Fatalf("replayed %d records", seen)
	}
	must(t, l.Truncate(from))
	if l.Stats().LiveFiles < 5 {
		t.Fatalf("after the restart %d files are left", l.Stats().LiveFiles)
	}
	rd, err := l.NewReader(from)
	must(t, err)
	r, err := rd.Next()
	must(t, err)
	must(t, checkStream(r, chunks))
	rd.Close()
	must(t, l.Truncate(l.End()))
	if n := l.Stats().LiveFiles; n != 1 {
		t.Fatalf("%d files are left behind the checkpoint", n)
	}
	must(t, l.Close())
	must(t, w.Truncate(w.End()))
	if n := w.Stats().LiveFiles; n != 1 {
		t.Fatalf("%d files are left", n)
	}
	must(t, w.Close())
}

func TestDroppedStreamFreesItsFiles(t *testing.T) {
	w, _ := mustOpen(t, waltest.NewCrashFS(), testOptions())
	s := w.NewStream(false)
	for i := range 30 {
		addChunk(t, w, s, i)
	}
	must(t, w.Truncate(w.End()))
	if n := w.Stats().LiveFiles; n < 3 {
		t.Fatalf("%d files", n)
	}
	s.Drop()
	must(t, w.Truncate(w.End()))
	if n := w.Stats().LiveFiles; n != 1 {
		t.Fatalf("%d files after the drop", n)
	}
	must(t, w.Close())
}

// TestDamagedChunk damages a chunk that lies before the position from which replay begins.
func TestDamagedChunk(t *testing.T) {
	fs := waltest.NewCrashFS()
	w, _ := mustOpen(t, fs, testOptions())
	s := w.NewStream(false)
	for i := range 12 {
		addChunk(t, w, s, i)
	}
	must(t, w.flush(true))
	o := testOptions()
	o.From = w.End()
	commitStream(t, w, s)
	for _, at := range []int64{0, 10, recordHeaderBytes + 5} {
		im := fs.Kill()
		file, off := fileName(s.chunks[3].Epoch()), int64(s.chunks[3].Offset())
		overwrite(t, im, file, off+at, []byte{0xfe})
		_, _, err := Open(im, testDir, o, func(r *Record) error { return checkStream(r, 12) })
		wantDamage(t, err, file, off)
	}
	must(t, w.Close())
}

func TestSplitRecordIsJoined(t *testing.T) {
	fs := waltest.NewCrashFS()
	w, _ := mustOpen(t, fs, testOptions())
	s := w.NewStream(true)
	var whole []byte
	for i := range 30 {
		addChunk(t, w, s, i)
		whole = append(whole, chunkOf(i)...)
	}
	commitStream(t, w, s)
	whole = append(whole, "rest"...)
	seen := 0
	check := func(r *Record) error {
		if r.Kind == Commit {
			if !bytes.Equal(r.Payload, whole) || r.Chunks != nil {
				return fmt.Errorf("payload of %d bytes and %d chunks", len(r.Payload), len(r.Chunks))
			}
			seen++
		}
		return nil
	}
	_, err := Scan(fs, testDir, 0, check)
	must(t, err)
	_, err = w.NewReader(0)
	wantCode(t, err, sqlerr.UndefinedFile)
	rd, err := w.NewReader(NewPosition(1, 0))
	must(t, err)
	r, err := rd.Next()
	must(t, err)
	must(t, check(r))
	rd.Close()
	if seen != 2 {
		t.Fatal(seen)
	}
	must(t, w.Close())
}
