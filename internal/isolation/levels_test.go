package isolation

import (
	"context"
	"time"

	"github.com/laminadb/lamina/internal/history"
)

var allLevels = []history.Level{history.ReadCommitted, history.RepeatableRead, history.Serializable}

func ctx() context.Context { return context.Background() }

// pause gives others time.
func pause() { time.Sleep(50 * time.Microsecond) }
