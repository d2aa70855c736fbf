package duckpy_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/laminadb/lamina/internal/cli/duckpy"
)

// TestUnavailable: without Python a benchmark is told so, and goes without.
func TestUnavailable(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := duckpy.Start(context.Background(), filepath.Join(t.TempDir(), "environment"))
	u, ok := errors.AsType[*duckpy.UnavailableError](err)
	if !ok || u.Reason != "there is no python3" || err.Error() != "DuckDB 2.0.0 is left out: there is no python3" {
		t.Error(err)
	}
}
