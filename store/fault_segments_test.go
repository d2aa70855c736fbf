package store

import (
	"strings"
	"testing"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/wal/waltest"
)

// segmentPairs are the pairs of call and file that must have failed once, at least.
var segmentPairs = []string{
	"create segment", "write segment", "sync segment", "close segment", "open segment", "stat segment", "read segment", "remove segment",
	"create sidecar", "write sidecar", "sync sidecar", "close sidecar", "open sidecar", "read sidecar", "remove sidecar",
	"create manifest", "write manifest", "sync manifest", "rename manifest",
}

// TestEveryCallOfSegmentsFailsOnce makes one call to the files of the columnar tier fail, each in its turn, while rows
// move to segments all the time.
func TestEveryCallOfSegmentsFailsOnce(t *testing.T) {
	withSegments(t)
	fs := &faults{hits: map[string]int{}, silent: map[string]int{}, codes: map[sqlerr.Code]int{}}
	stride := int64(2)
	if testing.Short() || invariants.Enabled {
		stride = 8
	}
	for _, what := range segmentPairs {
		match := func(op waltest.Op) bool { return string(op.Kind)+" "+fileKind(op.Path) == what }
		for range 20 { // some happen only in some runs
			if fs.hits[what] > 0 || fs.run(t, match, 1) {
				break
			}
		}
		if fs.hits[what] == 0 {
			t.Errorf("no %s has failed", what)
		}
	}
	match := func(op waltest.Op) bool { return strings.Contains(op.Path, "/"+tiersDirName) }
	for n := int64(1); fs.run(t, match, n); {
		n += stride
	}
	t.Log(fs.hits, fs.silent, fs.codes)
	total := 0
	for _, n := range fs.hits {
		total += n
	}
	if total < 150/int(stride) || fs.codes[sqlerr.IOError] < 20/int(stride) {
		t.Errorf("%d faults, codes %v", total, fs.codes)
	}
}

// TestSegmentsOnFullDisk is TestStoreOnFullDisk while rows move to segments.
func TestSegmentsOnFullDisk(t *testing.T) {
	withSegments(t)
	onFullDisk(t, 15000)
}
