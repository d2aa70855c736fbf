package lsm

import (
	"context"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/table"
)

// TestPartOfARecord: a record that is too large for one batch is flushed in part, and power is lost. It is applied again over
// what is there of it; a log that ends before it is refused.
func TestPartOfARecord(t *testing.T) {
	const pieces, rows, lsn = 30, 2000, 3
	fs := vfs.NewCrashableMem()
	tier := filled(t, Options{FS: fs}, 1, 10)
	def := (*tier.tables.Load())[20000].def
	apply := func(tier *Tier, n int) {
		t.Helper()
		for i := range n {
			addPart(t, tier, lsn, int64(1000+i*rows), rows)
		}
	}
	apply(tier, pieces-3)
	if err := tier.db.Load().Flush(); err != nil {
		t.Fatal(err)
	}
	again := func() *Tier {
		t.Helper()
		tier, err := Open(Options{FS: fs.CrashClone(vfs.CrashCloneCfg{}), Dir: "tier"})
		if err == nil && (tier.opened.partial != lsn || tier.opened.lsn != lsn-1) {
			t.Fatalf("opened with %+v", tier.opened)
		}
		if err == nil {
			err = tier.Define(lsn-1, def)
		}
		if err != nil {
			t.Fatal(err)
		}
		return tier
	}
	short := again()
	if short.Recovered() == nil {
		t.Error("a log that ends before a record of which a part is there is taken")
	}
	closed(t, short)
	whole := again()
	apply(whole, pieces)
	s := whole.Snapshot(lsn).Table(20000)
	if err := whole.Recovered(); err != nil {
		t.Error(err)
	}
	if n := s.Stats().Rows; n != pieces*rows+10 || whole.mark.partial != 0 {
		t.Errorf("%v rows, mark %+v", n, whole.mark.mark)
	}
	if n, err := whole.Verify(context.Background(), func(d table.Damage) bool {
		t.Errorf("%+v", d)
		return true
	}); err != nil || n < 2*pieces*rows {
		t.Errorf("%d entries, %v", n, err)
	}
	closed(t, whole)
	closed(t, tier)
}
