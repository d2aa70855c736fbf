package wal

import (
	"testing"

	"github.com/laminadb/lamina/sqlerr"
)

func TestRecordHeaderRoundTrip(t *testing.T) {
	h := recordHeader{
		length: 77, pos: NewPosition(3, 4096), durable: NewPosition(2, 512), lsn: 9, time: 12345, prev: 0xdeadbeef,
		payloadSum: 0xfeedface, kind: Load, flags: flagStream | flagSplit,
	}
	var b [recordHeaderBytes]byte
	h.put(b[:], testID.seed())
	got, ok := parseRecordHeader(b[:], testID.seed(), h.pos)
	if !ok || got != h {
		t.Fatalf("got %+v, %t, want %+v", got, ok, h)
	}
	for bit := range len(b) * 8 {
		b[bit/8] ^= 1 << (bit % 8)
		if _, ok := parseRecordHeader(b[:], testID.seed(), h.pos); ok {
			t.Fatalf("accepted with bit %d flipped", bit)
		}
		b[bit/8] ^= 1 << (bit % 8)
	}
	if _, ok := parseRecordHeader(b[:], testID.seed(), h.pos+8); ok {
		t.Fatal("accepted at another position")
	}
	if _, ok := parseRecordHeader(b[:], ID{9}.seed(), h.pos); ok {
		t.Fatal("accepted in the log of another database")
	}
	if _, ok := parseRecordHeader(b[:recordHeaderBytes-1], testID.seed(), h.pos); ok {
		t.Fatal("accepted though cut short")
	}
}

func TestFileHeaderRoundTrip(t *testing.T) {
	h := fileHeader{version: 1, epoch: 7, id: testID, prev: NewPosition(6, 640), nextLSN: 12, time: 99, chain: 5}
	var b [fileHeaderBytes]byte
	h.put(b[:])
	got, ok := parseFileHeader(b[:])
	if !ok || got != h {
		t.Fatalf("got %+v, %t, want %+v", got, ok, h)
	}
	for bit := range len(b) * 8 {
		b[bit/8] ^= 1 << (bit % 8)
		if _, ok := parseFileHeader(b[:]); ok {
			t.Fatalf("accepted with bit %d flipped", bit)
		}
		b[bit/8] ^= 1 << (bit % 8)
	}
}

func TestFileNames(t *testing.T) {
	for _, epoch := range []uint32{1, 9, 4294967295} {
		if got, ok := parseFileName(fileName(epoch)); !ok || got != epoch {
			t.Errorf("%s: got %d, %t", fileName(epoch), got, ok)
		}
	}
	for _, name := range []string{
		"", "wal-", "wal-0000000000", "wal-1", "wal-00000000001", "wal-4294967296", "wal-000000000x",
		tempPrefix + fileName(1), "LOCK",
	} {
		if epoch, ok := parseFileName(name); ok {
			t.Errorf("%q is taken for the file of epoch %d", name, epoch)
		}
	}
	if !(fileName(9) < fileName(10)) {
		t.Error("names do not sort as epochs")
	}
}

func TestChunkList(t *testing.T) {
	want := []Position{5, NewPosition(3, 64), NewPosition(4, 128)}
	b := append(appendChunkList(nil, want), "rest"...)
	got, rest, ok := parseChunkList(b)
	if !ok || len(got) != 3 || got[2] != want[2] || string(rest) != "rest" {
		t.Fatal(got, rest, ok)
	}
	for n := range len(b) - len("rest") {
		if _, _, ok := parseChunkList(b[:n]); ok {
			t.Fatalf("accepted %d bytes", n)
		}
	}
}

func TestKinds(t *testing.T) {
	known := 0
	for k := range 256 {
		kind := Kind(k)
		if kind.Known() {
			known++
			if kind.String() == "" || kindNames[kind] == "" {
				t.Errorf("kind %d has no name", k)
			}
		}
	}
	if known != len(kindNames) || known != 11 {
		t.Errorf("%d kinds are known, %d have names", known, len(kindNames))
	}
	if !Load.Replicated() || Flush.Replicated() {
		t.Error("replicated kinds")
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, o := range []Options{{FileBytes: 1}, {FileBytes: FileBytesMin + 1}, {FileBytes: FileBytesMax * 2},
		{ReadyFiles: 1}, {ReadyFiles: ReadyFilesMax + 1}} {
		_, _, err := Open(nil, testDir, o, nil)
		wantCode(t, err, sqlerr.InvalidParameterValue)
	}
}
