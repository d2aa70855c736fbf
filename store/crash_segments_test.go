package store

import (
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/wal/waltest"
)

// What a store does besides when its memtables and segments are so small that rows move all the time.
const (
	crashFlush      crashKind = "flush"
	crashCompaction crashKind = "compaction"
	crashManifest   crashKind = "manifest"
)

// crashPointsMin is how many crash points a test demands, in every run, of each of flush, compaction, manifest, load, backup and
// migration.
const crashPointsMin = 50

var segmentKinds = []crashKind{crashFlush, crashCompaction, crashManifest}

// crashSegments: memtables and segments of columnar tables are tiny, so that they are flushed and compacted all the time.
var crashSegments = false

const segmentsDeltaRows, segmentsSegmentRows = 12, 40

// withSegments runs a crash test on columnar tables whose rows move to segments all the time.
func withSegments(t *testing.T) {
	crashSegments = true
	t.Cleanup(func() { crashSegments = false })
}

// kindOfData tells what a store is doing that changes a file besides those of the log.
func kindOfData(op waltest.Op) crashKind {
	switch {
	case !crashSegments:
	case strings.Contains(op.Path, "columnar.manifest"):
		return crashManifest
	case strings.HasSuffix(op.Path, segment.SegmentSuffix), strings.HasSuffix(op.Path, segment.SidecarSuffix):
		switch moverOf() {
		case "flush":
			return crashFlush
		case "compact":
			return crashCompaction
		}
	}
	return crashCheckpoint
}

// moverOf tells from the stack of the goroutine that makes a call whether it flushes, compacts, or writes a part of a load.
func moverOf() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		f, more := frames.Next()
		switch f.Function[strings.LastIndexByte(f.Function, '.')+1:] {
		case "flush":
			return "flush"
		case "compact":
			return "compact"
		case "loadRun":
			return "loadRun"
		}
		if !more {
			return ""
		}
	}
}

// besideCommits reports whether there should be commits before a call. What flushes makes them wait, soon: there are some
// beside a part of its calls.
func besideCommits(k crashKind) bool {
	switch k {
	case crashCheckpoint, crashManifest:
		return true
	case crashFlush, crashCompaction:
		return moved.Add(1)%16 == 0
	}
	return false
}

var moved atomic.Int64

// TestSegmentsSurvivePowerLoss is TestStoreSurvivesPowerLoss on rows that move to segments all the time: power is lost
// inside of flushes, compactions and the writing of manifests too.
func TestSegmentsSurvivePowerLoss(t *testing.T) {
	withSegments(t)
	rounds, least := 4, 30
	if reduced() {
		rounds, least = 2, 15
	}
	survivePowerLoss(t, rounds, least)
}

// TestSegmentMovesSurvivePowerLoss is TestMovesSurvivePowerLoss on such rows.
func TestSegmentMovesSurvivePowerLoss(t *testing.T) {
	withSegments(t)
	TestMovesSurvivePowerLoss(t)
}
