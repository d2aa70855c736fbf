package wal

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/table"
)

func TestThin(t *testing.T) {
	fs := vfs.NewCrashableMem()
	next := table.LSN(1)
	for round := range 5 {
		want := next - 1
		var got int
		l, info, err := Open(fs, "log", Options{FileBytes: 64 << 10}, func(r *Record) error {
			got++
			if string(r.Payload) != fmt.Sprint("payload ", r.LSN) {
				return fmt.Errorf("lsn %d has %q", r.LSN, r.Payload)
			}
			return nil
		})
		if err != nil {
			t.Fatal(round, err)
		}
		if got != int(want) || info.LastLSN != want {
			t.Fatal(round, got, want, info)
		}
		for range 1000 {
			p := fmt.Appendf(nil, "payload %d", next)
			if err := l.Room(len(p), false); IsNoRoom(err) {
				if err := l.WaitRoom(t.Context(), len(p), false); err != nil {
					t.Fatal(err)
				}
			}
			l.Append(&Entry{Kind: Commit, LSN: next, Time: int64(next), Payload: p, Sum: PayloadSum(p)})
			next++
			if err := l.Write(l.Cut(), true); err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("%+v %+v", l.Stats(), info)
		if round%2 == 0 {
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
		fs = fs.CrashClone(vfs.CrashCloneCfg{})
	}
}
