package query

import (
	"testing"
	"time"
)

// TestCountAllocatesNothing holds what counting a statement may cost the shortest of them.
func TestCountAllocatesNothing(t *testing.T) {
	e := &Engine{born: time.Now()}
	s := &Session{e: e, id: 1}
	if n := testing.AllocsPerRun(100, func() { s.count(kindGet, e.elapsed()) }); n != 0 {
		t.Errorf("counting allocates %v times", n)
	}
	if d := e.metrics.shards[1][kindGet].Distribution(); d.Count != 101 {
		t.Errorf("counted %d of 101", d.Count)
	}
}

func BenchmarkCount(b *testing.B) {
	e := &Engine{born: time.Now()}
	s := &Session{e: e, id: 1}
	b.ReportAllocs()
	for b.Loop() {
		s.count(kindGet, 0)
	}
}
