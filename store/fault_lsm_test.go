package store

import (
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
