package store

import (
	"errors"
	"strings"
	"testing"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/wal/waltest"
)

// TestEveryCallOfLSMFailsOnce makes one call to the files of the LSM tier fail, each in its turn.
func TestEveryCallOfLSMFailsOnce(t *testing.T) {
	withMethod(t, "lsm")
	fs := &faults{hits: map[string]int{}, silent: map[string]int{}, codes: map[sqlerr.Code]int{}}
	match := func(op waltest.Op) bool { return strings.Contains(op.Path, "/"+lsmDirName) }
	stride := int64(1)
	if testing.Short() || invariants.Enabled {
		stride = 4
	}
	for n := int64(1); fs.run(t, match, n); {
		n += stride
	}
	t.Log(fs.hits, fs.silent, fs.codes)
	total := 0
	for _, n := range fs.hits {
		total += n
	}
	if total < 100/int(stride) || fs.codes[sqlerr.IOError] < 20/int(stride) {
		t.Errorf("%d faults, codes %v", total, fs.codes)
	}
}

// TestLSMOpeningSurvivesPowerLoss takes images at every call that makes, renames or removes a file while the tier is
// made, and each time it is opened: whatever order names reach the disk in, all that was acknowledged is there.
func TestLSMOpeningSurvivesPowerLoss(t *testing.T) {
	withMethod(t, "lsm")
	fs := waltest.NewCrashFS()
	w := &workload{o: newOracle()}
	w.s = must(openCrash(fs))(t)
	images := 0
	check := func(list []*waltest.CrashFS, acked uint64) {
		t.Helper()
		for _, im := range list {
			images++
			must(0, (&crashImage{fs: im, acked: acked}).check(w.o, nil, false))(t)
		}
	}
	check(imagesOf(t, fs, func() error { return errors.Join(w.setUp(), w.s.Checkpoint(t.Context())) }, crashOnly), 0)
	must(0, w.s.Close())(t)
	for range 3 {
		check(imagesOf(t, fs, openAndCloseOf(fs), crashOnly), w.o.ackedLSN())
	}
	if images < 200 {
		t.Errorf("%d images", images)
	}
}
