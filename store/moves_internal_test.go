package store

import (
	"testing"

	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/table"
)

// TestMoves: of the moves of a key the first after an LSN counts; they are charged, and forgotten at the watermark.
func TestMoves(t *testing.T) {
	tracker := mem.NewTracker("moves", 0)
	var m moves
	m.init(tracker)
	m.add(5, []move{{table: 1, from: "a", to: "b"}, {table: 2, from: "a", to: "c"}})
	m.add(7, []move{{table: 1, from: "a", gone: true}, {table: 1, from: "", to: "x"}})
	m.add(9, []move{{table: 1, from: "a", to: "d"}})
	for _, c := range []struct {
		at   uint64
		want moveTo
	}{{4, moveTo{5, "b", false}}, {5, moveTo{7, "", true}}, {6, moveTo{7, "", true}}, {8, moveTo{9, "d", false}}} {
		if to, moved := m.find(1, []byte("a"), table.LSN(c.at)); !moved || to != c.want {
			t.Errorf("after %d: %v %v, want %v", c.at, to, moved, c.want)
		}
	}
	if to, moved := m.find(1, []byte("a"), 9); moved {
		t.Errorf("after the last move: %v", to)
	}
	if to, moved := m.find(2, []byte("a"), 0); !moved || to.to != "c" {
		t.Errorf("of another table: %v %v", to, moved)
	}
	if to, moved := m.find(1, nil, 0); !moved || to.to != "x" {
		t.Errorf("of an empty key: %v %v", to, moved)
	}
	if tracker.Used() == 0 {
		t.Error("nothing is charged")
	}
	m.forget(5)
	if to, moved := m.find(2, []byte("a"), 0); moved {
		t.Errorf("what was forgotten: %v", to)
	}
	if to, moved := m.find(1, []byte("a"), 0); !moved || to.lsn != 7 {
		t.Errorf("what was not forgotten: %v %v", to, moved)
	}
	m.forget(9)
	if n := tracker.Used(); n != 0 {
		t.Errorf("%d bytes are charged at the end", n)
	}
}
