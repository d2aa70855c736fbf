package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal/waltest"
)

// TestCommitBehindAFailure: a commit waits in the queue while what is before it fails to be synced. Whose record was being
// written is told that nobody knows, who comes after it that it was refused; all have given back what they held.
func TestCommitBehindAFailure(t *testing.T) {
	fs := waltest.NewCrashFS()
	s, err := openCrash(fs)
	if err != nil {
		t.Fatal(err)
	}
	id := create(t, s, pairs("t"))
	syncing, fail := make(chan struct{}, 1), make(chan struct{})
	broken := errors.New("the disk is broken")
	fs.SetHook(func(op waltest.Op) error {
		if op.Kind != waltest.OpSync || !strings.Contains(op.Path, "wal-") {
			return nil
		}
		select {
		case syncing <- struct{}{}:
		default:
		}
		<-fail
		return broken
	})
	outcome := func(tx *Tx) <-chan error {
		done := make(chan error, 1)
		go func() {
			_, err := tx.Commit(context.Background())
			done <- err
		}()
		return done
	}
	first, second := begin(t, s, table.TxOptions{}), begin(t, s, table.TxOptions{})
	for i, tx := range []*Tx{first, second} {
		if err := insertRows(t, tx, id, row(int64(i), 0, "x")); err != nil {
			t.Fatal(err)
		}
	}
	lsn, _ := s.commits.Appended()
	a := outcome(first)
	<-syncing
	b := outcome(second)
	for now := lsn; now < lsn+2; now, _ = s.commits.Appended() {
		time.Sleep(time.Microsecond)
	}
	close(fail)
	codes := []sqlerr.Code{sqlerr.CodeOf(<-a), sqlerr.CodeOf(<-b)}
	for _, code := range codes {
		if code != sqlerr.TransactionResolutionUnknown && code != sqlerr.IOError {
			t.Errorf("a commit answers %s", code)
		}
	}
	if !slices.Contains(codes, sqlerr.IOError) { // of the group that was not written; a mark may have been before both
		t.Errorf("the commits answer %v", codes)
	}
	third := begin(t, s, table.TxOptions{})
	if err := insertRows(t, third, id, row(0, 0, "again"), row(1, 0, "again")); err != nil {
		t.Errorf("locks are left: %v", err)
	}
	if _, err := third.Commit(t.Context()); sqlerr.CodeOf(err) != sqlerr.IOError {
		t.Errorf("a later commit: %v", err)
	}
	wantText(t, committedRows(t, s, "t"), "") // readers go on
	if n := s.locks.Stats(); n.Entries != 0 {
		t.Errorf("%d locks are left", n.Entries)
	}
	_ = s.Close()
}
