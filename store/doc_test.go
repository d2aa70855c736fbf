package store

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/laminadb/lamina/catalog"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal"
)

// TestFormatDocument compares the examples of docs/format/directory.md with what is written.
func TestFormatDocument(t *testing.T) {
	b, err := os.ReadFile("../docs/format/directory.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := strings.ReplaceAll(string(b), "\r\n", "\n")
	if text := string(versionText(formatReader, formatWriter)); !strings.Contains(doc, "```\n"+text+"```\n") {
		t.Errorf("the document does not have the version file\n%s", text)
	}
	c := checkpoint{
		log: wal.ID{1, 2, 3}, lsn: 7, time: 1_700_000_000_000_000, position: wal.NewPosition(2, 64),
		catalog: catalog.New(), hidden: []hiddenBlock{{16384, 1025}}, tiers: []tierMark{{"columnar", 7}},
	}
	if dump := hex.Dump(c.encode()); !strings.Contains(doc, "```\n"+dump+"```\n") {
		t.Errorf("the document does not have the checkpoint\n%s", dump)
	}
	again, err := decodeCheckpoint(checkpointName, c.encode())
	if err != nil || again.lsn != 7 || again.position != c.position || len(again.hidden) != 1 || again.tiers[0].durable != table.LSN(7) {
		t.Errorf("%+v, %v", again, err)
	}
}
