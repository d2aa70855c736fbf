package duckpy

import (
	"context"
	_ "embed" // the driver
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/laminadb/lamina/internal/cli/peer"
)

// The packages of the environment. Figures are of this version of DuckDB.
const (
	Version        = "2.0.0"
	pyarrowVersion = "26.0.1"
)

// Name is how reports call the system.
const Name = "DuckDB " + Version

//go:embed driver.py
var driver string

// UnavailableError says why there can be no environment on this machine: a benchmark then goes without.
type UnavailableError struct{ Reason string }

func (e *UnavailableError) Error() string { return Name + " is left out: " + e.Reason }

// DefaultDir is the folder of the environment in the user's cache: it is made once.
func DefaultDir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "lamina", "duckdb-"+Version+"-pyarrow-"+pyarrowVersion), nil
}

// Prepare makes the environment in a folder, "" for DefaultDir, unless it is there, and returns its Python.
func Prepare(ctx context.Context, dir string) (python string, err error) {
	if dir == "" {
		if dir, err = DefaultDir(); err != nil {
			return "", &UnavailableError{err.Error()}
		}
	}
	python = filepath.Join(dir, "bin", "python")
	ready := filepath.Join(dir, "ready")
	if _, err := os.Stat(ready); err == nil {
		return python, nil
	}
	base, err := exec.LookPath("python3")
	if err != nil {
		return "", &UnavailableError{"there is no python3"}
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	for _, args := range [][]string{
		{base, "-m", "venv", "--clear", dir},
		{python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--only-binary", ":all:",
			"duckdb==" + Version, "pyarrow==" + pyarrowVersion},
	} {
		if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
			return "", errors.Join(&UnavailableError{fmt.Sprintf("%s: %v: %s", strings.Join(args[1:3], " "), err, lastLine(out))}, ctx.Err())
		}
	}
	return python, os.WriteFile(ready, nil, 0o644)
}

func lastLine(out []byte) string {
	text := strings.TrimSpace(string(out))
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// Start makes the environment if it has to, and starts DuckDB in it. The error is an UnavailableError where that cannot be.
func Start(ctx context.Context, dir string) (*peer.Process, error) {
	python, err := Prepare(ctx, dir)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, python, "-c", driver)
	cmd.Stderr = os.Stderr
	return peer.Start(Name, cmd)
}
