package isolation

import (
	"context"
	"testing"
	"time"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/internal/history"
)

func ctx() context.Context { return context.Background() }

// levels are those that the storage has.
func levels(t *testing.T) []history.Level {
	t.Helper()
	all := []history.Level{history.ReadCommitted, history.RepeatableRead, history.Serializable}
	db, err := lamina.Open("", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // nothing is in it
	if !db.Storage().Features().Serializable {
		return all[:2]
	}
	return all
}

// pause gives others time.
func pause() { time.Sleep(50 * time.Microsecond) }
