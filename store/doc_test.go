package store

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/laminadb/lamina/catalog"
	"github.com/laminadb/lamina/sqlerr"
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

// TestForgedCheckpoints changes bytes of a checkpoint and makes its checksum right again: what comes back
// is an error or a checkpoint, never a panic.
func TestForgedCheckpoints(t *testing.T) {
	c := checkpoint{
		log: wal.ID{1}, lsn: 7, time: 9, position: wal.NewPosition(2, 64), catalog: catalog.New(),
		hidden: []hiddenBlock{{16384, 1025}, {16390, 1}}, tiers: []tierMark{{"columnar", 7}},
	}
	whole := c.encode()
	rng := rand.New(rand.NewPCG(1, 1))
	refused, taken := 0, 0
	for range 50_000 {
		b := bytes.Clone(whole[:len(whole)-4])
		for range 1 + rng.IntN(3) {
			b[checkpointHead+rng.IntN(len(b)-checkpointHead)] = byte(rng.IntN(256))
		}
		if rng.IntN(4) == 0 {
			b = b[:checkpointHead+rng.IntN(len(b)-checkpointHead)]
			binary.LittleEndian.PutUint64(b[12:], uint64(len(b)-checkpointHead))
		}
		b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
		if _, err := decodeCheckpoint(checkpointName, b); err == nil {
			taken++
		} else if refused++; sqlerr.CodeOf(err) != sqlerr.DataCorrupted {
			t.Fatalf("%s %v", sqlerr.CodeOf(err), err)
		}
	}
	if refused < 1000 || taken < 1000 {
		t.Errorf("%d refused, %d taken", refused, taken)
	}
}
