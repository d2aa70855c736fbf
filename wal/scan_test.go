package wal

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/wal/waltest"
)

func TestScanReport(t *testing.T) {
	fs, records := closedLog(t)
	changes := func() (n int) {
		for _, k := range []waltest.OpKind{waltest.OpWrite, waltest.OpRename, waltest.OpRemove, waltest.OpCreate} {
			n += fs.Count(k)
		}
		return n
	}
	before := changes()
	report, err := Scan(fs, testDir, 0, func(*Record) error { return nil })
	must(t, err)
	if changes() != before {
		t.Error("the scan changed something")
	}
	var n int64
	for _, f := range report.Files {
		n += f.Records
	}
	if n != int64(len(records)) || report.Records != n || len(report.Files) != 3 || report.ID != testID || !report.Sealed {
		t.Errorf("%d records counted, report %+v", n, report)
	}
	if report.LogBytes != 3*closedFileBytes || report.OtherBytes != 2*closedFileBytes || len(report.Other) != 2 {
		t.Errorf("report %+v", report)
	}
}

// TestScanOfTruncatedLog begins where the files begin.
func TestScanOfTruncatedLog(t *testing.T) {
	fs := waltest.NewCrashFS()
	w, _ := mustOpen(t, fs, testOptions())
	for w.End().Epoch() < 5 {
		must(t, w.group(10, true))
	}
	must(t, w.Close())
	must(t, fs.Remove(testDir+"/"+fileName(1)))
	must(t, fs.Remove(testDir+"/"+fileName(2)))
	r := replayer{}
	report, err := Scan(fs, testDir, 0, r.check)
	must(t, err)
	if len(report.Files) != 3 || report.Files[0].Epoch != 3 || r.next != w.next {
		t.Errorf("report %+v, read up to %d of %d", report, r.next, w.next)
	}
	_, _, err = Open(fs, testDir, testOptions(), nil) // without the checkpoint's position
	wantDamage(t, err, fileName(2), 0)
}

func TestNewLogDrawsAnIdentity(t *testing.T) {
	o := testOptions()
	o.ID = ID{}
	a, b := vfs.NewMem(), vfs.NewMem()
	wa, _ := mustOpen(t, a, o)
	wb, _ := mustOpen(t, b, o)
	if wa.ID() == wb.ID() || wa.ID() == (ID{}) {
		t.Fatalf("identities %x and %x", wa.ID(), wb.ID())
	}
	must(t, wa.group(3, true))
	must(t, wa.Close())
	must(t, wb.Close())
	again, info := mustOpen(t, a, o)
	if again.ID() != wa.ID() || info.LastLSN != 3 {
		t.Fatalf("identity %x, LSN %d", again.ID(), info.LastLSN)
	}
	must(t, again.Close())
}

// TestFileSizeMayChange opens a log with other file sizes.
func TestFileSizeMayChange(t *testing.T) {
	fs := waltest.NewCrashFS()
	total := 0
	for _, size := range []int64{64 << 10, 16 << 10, 128 << 10, 32 << 10} {
		o := testOptions()
		o.FileBytes = size
		w, info := mustOpen(t, fs, o)
		if int(info.LastLSN) != total {
			t.Fatalf("size %d: recovered LSN %d, want %d", size, info.LastLSN, total)
		}
		must(t, w.group(100, true))
		total += 100
		must(t, w.Close())
	}
}

// FuzzScan reads arbitrary bytes as a log file: it ends, without a panic.
func FuzzScan(f *testing.F) {
	var h [fileHeaderBytes]byte
	(&fileHeader{version: 1, epoch: 1, id: testID, nextLSN: 1}).put(h[:])
	f.Add(h[:], []byte{})
	var r [recordHeaderBytes]byte
	endless := recordHeader{pos: NewPosition(1, fileHeaderBytes), prev: le.Uint32(h[60:]), kind: Mark, length: 1 << 31}
	endless.put(r[:], testID.seed())
	f.Add(append(h[:], r[:]...), h[:])
	f.Fuzz(func(t *testing.T, one, two []byte) {
		fs := vfs.NewMem()
		must(t, fs.MkdirAll(testDir, 0o755))
		for i, b := range [][]byte{one, two} {
			file, err := fs.Create(fs.PathJoin(testDir, fileName(uint32(i+1))), vfs.WriteCategoryUnspecified)
			must(t, err)
			_, err = file.Write(append([]byte(nil), b...))
			must(t, err)
			must(t, file.Close())
		}
		_, _ = Scan(fs, testDir, 0, func(r *Record) error {
			for i := range r.Chunks {
				if _, err := r.Chunk(i, nil); err != nil {
					return err
				}
			}
			return nil
		})
	})
}
