package wal

import (
	"fmt"
	"strings"
	"testing"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal/waltest"
)

const closedFileBytes = 16 << 10

// closedLog returns the files of a log of several files that was closed, and its records.
func closedLog(t *testing.T) (*waltest.CrashFS, []Record) {
	t.Helper()
	fs := waltest.NewCrashFS()
	o := testOptions()
	o.FileBytes = closedFileBytes
	w, _ := mustOpen(t, fs, o)
	for w.End().Epoch() < 3 {
		must(t, w.group(3, true))
	}
	must(t, w.group(5, true))
	must(t, w.Close())
	var records []Record
	_, err := Scan(fs, testDir, 0, func(r *Record) error {
		c := *r
		c.Payload = append([]byte(nil), r.Payload...)
		records = append(records, c)
		return nil
	})
	must(t, err)
	return fs, records
}

// TestBitFlips changes one bit at a time in every record of a closed log. All but the last mark lie
// below a durable position that a later record names, so each must be reported at its offset.
func TestBitFlips(t *testing.T) {
	fs, records := closedLog(t)
	flips, accepted := 0, 0
	files := map[string][]byte{}
	for i, r := range records {
		name := fileName(r.Pos.Epoch())
		if files[name] == nil {
			files[name] = readAll(t, fs, name)
		}
		step := 1
		if i > 5 && i < len(records)-1 {
			step = 29
		}
		for at := r.Pos.Offset(); at < r.End.Offset(); at += uint32(step) {
			flips++
			overwrite(t, fs, name, int64(at), []byte{files[name][at] ^ 1<<(at%8)})
			_, err := Scan(fs, testDir, 0, nil)
			overwrite(t, fs, name, int64(at), files[name][at:at+1])
			if i == len(records)-1 {
				accepted++
				must(t, err) // nothing proves that the last mark was there
				continue
			}
			wantDamage(t, err, name, int64(r.Pos.Offset()))
		}
	}
	if flips < 1000 || accepted < 10 || len(files) < 3 {
		t.Errorf("%d flips in %d files, %d accepted", flips, len(files), accepted)
	}
	_, err := Scan(fs, testDir, 0, nil)
	must(t, err)
}

// TestFileHeaderFlips damages the header of each file of a closed log.
func TestFileHeaderFlips(t *testing.T) {
	fs, records := closedLog(t)
	last := records[len(records)-1].Pos.Epoch()
	for epoch := uint32(1); epoch <= last; epoch++ {
		whole := readAll(t, fs, fileName(epoch))
		for at := range int64(fileHeaderBytes) {
			overwrite(t, fs, fileName(epoch), at, []byte{whole[at] ^ 0x10})
			_, _, err := open(fs.Kill(), testOptions(), 0)
			wantDamage(t, err, fileName(epoch), 0)
			overwrite(t, fs, fileName(epoch), at, whole[at:at+1])
		}
	}
	if last < 3 {
		t.Errorf("%d files", last)
	}
}

// TestUnprovenDamageIsTail flips bits of the last synced group, which nothing proves: it is cut.
func TestUnprovenDamageIsTail(t *testing.T) {
	fs := waltest.NewCrashFS()
	w, _ := mustOpen(t, fs, testOptions())
	must(t, w.group(5, true))
	durable := w.Durable()
	must(t, w.group(3, true))
	overwrite(t, fs, fileName(1), int64(durable.Offset())+20, []byte{0xff})
	w2, info, err := open(fs.Kill(), testOptions(), 0)
	must(t, err)
	if info.LastLSN != 5 || info.End != durable || !info.Cut {
		t.Fatalf("recovered %+v, want up to LSN 5 at %v", info, durable)
	}
	must(t, w2.Close())
}

// forge appends a record that has its own idea of the header.
func forge(t *testing.T, fs *waltest.CrashFS, at Position, payload []byte, change func(*recordHeader)) {
	t.Helper()
	h := recordHeader{length: uint32(len(payload)), pos: at, payloadSum: PayloadSum(payload), kind: Commit}
	change(&h)
	b := make([]byte, recordBytes(len(payload)))
	h.put(b, testID.seed())
	copy(b[recordHeaderBytes:], payload)
	overwrite(t, fs, fileName(at.Epoch()), int64(at.Offset()), b)
}

// TestForgedRecords puts records with valid checksums where they do not belong.
func TestForgedRecords(t *testing.T) {
	base := waltest.NewCrashFS()
	w, _ := mustOpen(t, base, testOptions())
	must(t, w.group(5, true))
	end, chain := w.End(), w.mu.chain
	good := func(h *recordHeader) { h.prev, h.lsn, h.time, h.durable = chain, 6, 60, end }
	cases := []struct {
		name   string
		change func(*recordHeader)
		code   sqlerr.Code // of the error; none: the record is cut
		text   string
	}{
		{"intact", func(h *recordHeader) { good(h) }, "", ""},
		{"other chain", func(h *recordHeader) { good(h); h.prev++ }, "", ""},
		{"other payload", func(h *recordHeader) { good(h); h.payloadSum++ }, "", ""},
		{"too long", func(h *recordHeader) { good(h); h.length = testFileBytes }, "", ""},
		{"LSN gap", func(h *recordHeader) { good(h); h.lsn = 7 }, sqlerr.DataCorrupted, "LSN 7 instead of 6"},
		{"time goes back", func(h *recordHeader) { good(h); h.time = 50 }, sqlerr.DataCorrupted, "timestamp"},
		{"durable after itself", func(h *recordHeader) { good(h); h.durable += 8 }, sqlerr.DataCorrupted, "durable"},
		{"mark with LSN", func(h *recordHeader) { good(h); h.kind = Mark }, sqlerr.DataCorrupted, "has LSN 6"},
		{"unknown kind", func(h *recordHeader) { good(h); h.kind = 200 }, sqlerr.FeatureNotSupported, "kind 200"},
	}
	for _, c := range cases {
		fs := base.Kill()
		forge(t, fs, end, payloadOf(6), c.change)
		report, err := Scan(fs, testDir, 0, (&replayer{next: 1}).check)
		switch {
		case c.code != "":
			wantCode(t, err, c.code)
			if !strings.Contains(err.Error(), c.text) {
				t.Errorf("%s: error %q does not say %q", c.name, err, c.text)
			}
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.name == "intact" && report.LastLSN != 6, c.name != "intact" && report.LastLSN != 5:
			t.Errorf("%s: recovered up to LSN %d", c.name, report.LastLSN)
		}
	}
}

// TestBrokenFiles takes files away, swaps them, or mixes logs.
func TestBrokenFiles(t *testing.T) {
	base, records := closedLog(t)
	first, middle, last := fileName(1), fileName(2), records[len(records)-1].Pos.Epoch()
	path := func(name string) string { return testDir + "/" + name }
	whole := func(*waltest.CrashFS) {}
	without := func(name string) func(*waltest.CrashFS) {
		return func(fs *waltest.CrashFS) { must(t, fs.Remove(path(name))) }
	}
	other := waltest.NewCrashFS()
	ow, _ := mustOpen(t, other, Options{ID: ID{9}, FileBytes: testFileBytes})
	must(t, ow.group(1, true))
	must(t, ow.Close())
	cases := []struct {
		name string
		do   func(fs *waltest.CrashFS)
		from Position
		text string
	}{
		{"middle file missing", without(middle), 0, middle + " is damaged at offset 0: the file is missing"},
		{"first file missing", without(first), 0, first + " is damaged at offset 0: the file is missing"},
		{"file of the checkpoint missing", without(middle), NewPosition(2, 64), "missing"},
		{"checkpoint after the end", whole, records[len(records)-1].End + 8, "a checkpoint at"},
		{"checkpoint in a later file", whole, NewPosition(99, 64), "ends before the position of a checkpoint"},
		{"checkpoint inside of a record", whole, records[3].Pos + 8, "inside of this record"},
		{"all files missing", func(fs *waltest.CrashFS) {
			for e := uint32(1); e <= last+2; e++ {
				_ = fs.Remove(path(fileName(e)))
			}
		}, NewPosition(1, 64), "the log is missing"},
		{"file cut short", func(fs *waltest.CrashFS) {
			b := readAll(t, fs, middle)
			must(t, fs.Remove(path(middle)))
			overwrite(t, fs, middle, 0, b[:len(b)/2])
		}, 0, "shorter than the end"},
		{"file of another database", func(fs *waltest.CrashFS) {
			overwrite(t, fs, fileName(1), 0, readAll(t, other, fileName(1)))
		}, 0, "belongs to another database"},
		{"file swapped for an older version", func(fs *waltest.CrashFS) {
			b := readAll(t, fs, middle)
			h, _ := parseFileHeader(b)
			h.chain++
			h.put(b)
			overwrite(t, fs, middle, 0, b[:fileHeaderBytes])
		}, 0, "does not continue the one before"},
		{"file with another LSN", func(fs *waltest.CrashFS) {
			b := readAll(t, fs, middle)
			h, _ := parseFileHeader(b)
			h.nextLSN++
			h.put(b)
			overwrite(t, fs, middle, 0, b[:fileHeaderBytes])
		}, 0, "begins at LSN"},
	}
	for _, c := range cases {
		fs := base.Kill()
		c.do(fs)
		o := testOptions()
		o.From = c.from
		_, _, err := Open(fs, testDir, o, func(*Record) error { return nil })
		wantCode(t, err, sqlerr.DataCorrupted)
		if !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: error %q does not say %q", c.name, err, c.text)
		}
	}
}

func TestNewerFormatIsRefused(t *testing.T) {
	fs, _ := closedLog(t)
	b := readAll(t, fs, fileName(1))
	h, _ := parseFileHeader(b)
	h.version = formatVersion + 1
	h.put(b)
	overwrite(t, fs, fileName(1), 0, b[:fileHeaderBytes])
	_, _, err := Open(fs, testDir, testOptions(), nil)
	wantCode(t, err, sqlerr.FeatureNotSupported)
}

// TestChainBreak puts a record of the same epoch, place and length but of another history where a
// record was: only the chain tells. The log ends before the first record that does not follow.
func TestChainBreak(t *testing.T) {
	write := func(time int64) (*waltest.CrashFS, []Position) {
		fs := waltest.NewCrashFS()
		w, _ := mustOpen(t, fs, testOptions())
		var at []Position
		for lsn := table.LSN(1); lsn <= 6; lsn++ {
			p := fmt.Appendf(nil, "row of %04d", lsn)
			at = append(at, w.End())
			must(t, w.add(&Entry{Kind: Commit, LSN: lsn, Time: time + int64(lsn), Payload: p, Sum: PayloadSum(p)}))
		}
		must(t, w.flush(true))
		return fs, at
	}
	fs, at := write(0)
	other, _ := write(100)
	from, to := at[3].Offset(), at[4].Offset()
	overwrite(t, fs, fileName(1), int64(from), readAll(t, other, fileName(1))[from:to])
	report, err := Scan(fs, testDir, 0, nil)
	must(t, err)
	if report.LastLSN != 3 || report.End != at[3] {
		t.Fatalf("the log ends after LSN %d at %v, want 3 at %v", report.LastLSN, report.End, at[3])
	}
}
