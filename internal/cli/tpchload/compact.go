package tpchload

import (
	"context"
	"fmt"
	"time"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/tpch"
)

// bitmapped are the columns of columnar tables of mixed work that get bitmaps: queries compare them with constants.
var bitmapped = []struct {
	table   tpch.Table
	columns string
}{
	{tpch.LineItem, "l_returnflag, l_shipmode"},
	{tpch.Customer, "c_mktsegment"},
}

// addBitmaps asks for bitmaps in all segments to come.
func addBitmaps(ctx context.Context, db *lamina.DB, tables []tpch.Table) error {
	for _, b := range bitmapped {
		for _, t := range tables {
			if t != b.table {
				continue
			}
			if _, err := db.Exec(ctx, fmt.Sprintf("ALTER TABLE %s SET (bitmap = '%s')", t, b.columns)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Compact has all rows of the tables that Churn changes in segments.
func Compact(ctx context.Context, db *lamina.DB) error {
	for _, t := range churned {
		if err := compact(ctx, db, t.table); err != nil {
			return err
		}
	}
	return nil
}

func compact(ctx context.Context, db *lamina.DB, t tpch.Table) error {
	if _, err := db.Exec(ctx, fmt.Sprintf("VACUUM FULL %s", t)); err != nil {
		return fmt.Errorf("compact %s: %w", t, err)
	}
	return nil
}

// Compactor compacts a table that Writers change, again and again.
type Compactor struct {
	stop  context.CancelFunc
	ended chan struct{}
	err   error
}

// StartCompactor starts one, which compacts at least once, and is busy half of the time.
func StartCompactor(ctx context.Context, db *lamina.DB) *Compactor {
	ctx, stop := context.WithCancel(ctx)
	c := &Compactor{stop: stop, ended: make(chan struct{})}
	go func() {
		defer close(c.ended)
		for {
			start := time.Now()
			c.err = compact(context.WithoutCancel(ctx), db, tpch.Orders)
			if c.err != nil || ctx.Err() != nil {
				return
			}
			select {
			case <-time.After(time.Since(start)):
			case <-ctx.Done():
				return
			}
		}
	}()
	return c
}

// Stop ends it once the compaction is through in which it may be.
func (c *Compactor) Stop() error {
	c.stop()
	<-c.ended
	return c.err
}
