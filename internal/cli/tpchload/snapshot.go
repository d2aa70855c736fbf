package tpchload

import (
	"context"
	"fmt"
	"strings"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/table"
)

// Snapshot is a REPEATABLE READ transaction that holds the state of a moment, and knows what it saw
// then.
type Snapshot struct {
	tx   *lamina.Tx
	seen string
}

// snapshotQuery reads every row of the largest table.
const snapshotQuery = "SELECT count(*), sum(l_extendedprice), sum(l_quantity), min(l_orderkey), max(l_orderkey) " +
	"FROM lineitem"

// TakeSnapshot begins to hold the state of now.
func TakeSnapshot(ctx context.Context, db *lamina.DB) (*Snapshot, error) {
	tx, err := db.Begin(ctx, table.TxOptions{Isolation: table.RepeatableRead, ReadOnly: true})
	if err != nil {
		return nil, err
	}
	s := &Snapshot{tx: tx}
	if s.seen, err = s.read(ctx); err != nil {
		_ = tx.Rollback() // err is what went wrong
		return nil, err
	}
	return s, nil
}

// Check reads again and compares with what was seen first.
func (s *Snapshot) Check(ctx context.Context) error {
	now, err := s.read(ctx)
	if err != nil {
		return err
	}
	if now != s.seen {
		return fmt.Errorf("a REPEATABLE READ transaction first saw %s, then %s", s.seen, now)
	}
	return nil
}

// Close gives the state up.
func (s *Snapshot) Close() error { return s.tx.Rollback() }

func (s *Snapshot) read(ctx context.Context) (string, error) {
	rows, err := s.tx.Query(ctx, snapshotQuery)
	if err != nil {
		return "", err
	}
	var texts []string
	for rows.Next() {
		for i := range rows.Columns() {
			text, _ := rows.Text(i)
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, " "), rows.Close()
}
