package wal

import "github.com/cockroachdb/pebble/v2/vfs"

// FileReport describes one file that a Scan read.
type FileReport struct {
	Name    string
	Epoch   uint32
	Bytes   int64
	End     uint32 // where its records end
	Records int64
}

// ScanReport says what a Scan found.
type ScanReport struct {
	RecoveryInfo
	ID ID
	// Files are those of the log, in order; Other are prepared files and what a crash left.
	Files []FileReport
	Other []string
	// LogBytes is the size of the log's files, OtherBytes that of the others.
	LogBytes, OtherBytes int64
}

// Scan reads a log without changing it, for inspection and verification, and calls fn for every
// record from a position on, in order. The zero position begins at the oldest record that is
// there. Damage ends the scan with a *DamageError; the report holds what was read before.
func Scan(fs vfs.FS, dir string, from Position, fn func(*Record) error) (ScanReport, error) {
	var report ScanReport
	found, err := listFiles(fs, dir)
	if err != nil {
		return report, err
	}
	s := &scan{fs: fs, dir: dir, from: from, files: found.logs, strict: from != 0, yield: fn, all: true}
	s.report = func(f FileReport) {
		report.Files = append(report.Files, f)
		report.LogBytes += f.Bytes
	}
	err = s.run()
	report.RecoveryInfo, report.ID = s.info, s.id
	for _, f := range found.logs {
		if !s.isLinked(f.epoch) {
			report.Other = append(report.Other, f.name)
			report.OtherBytes += f.size
		}
	}
	report.Other = append(report.Other, found.temps...)
	return report, err
}
