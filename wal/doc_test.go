package wal

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/laminadb/lamina/wal/waltest"
)

// TestFormatDocument compares the example of docs/format/wal.md with what is written.
func TestFormatDocument(t *testing.T) {
	doc, err := os.ReadFile("../docs/format/wal.md")
	must(t, err)
	fs := waltest.NewCrashFS()
	w, _ := mustOpen(t, fs, testOptions())
	dump := hex.Dump(readAll(t, fs, fileName(1))[:128])
	must(t, w.Close())
	if !strings.Contains(string(doc), dump) {
		t.Errorf("the document does not show\n%s", dump)
	}
}
