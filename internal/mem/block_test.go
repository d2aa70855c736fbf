package mem

import "testing"

// TestBlocks takes small slabs while a database is open that may use much: they are neighbours in blocks, those of other classes
// too; the rest of a block is idle, and within a quarter of what it may use idle slabs of one class stay when another is asked for.
func TestBlocks(t *testing.T) {
	var heap int64
	withHeap(t, &heap)
	defer func(n int64) { blocksFrom = n }(blocksFrom)
	blocksFrom = 64 << 20
	alone := MustAlloc(nil, 64<<10) // nobody has opened a database
	if idle, _, _ := held(); idle != 0 {
		t.Errorf("a block for %d bytes", blocksFrom)
	}
	alone.Free()
	Trim()
	Expect(64 << 20)
	defer Expect(-64 << 20)
	_, before, _ := held()
	var slabs []Slab
	take := func(n, bytes int) {
		for range n {
			s := MustAlloc(nil, bytes)
			for i := range s.B {
				if s.B[i] != 0 {
					t.Fatal("a slab is not zero")
				}
			}
			s.B[0], s.B[len(s.B)-1] = 1, 1
			slabs = append(slabs, s)
		}
	}
	free := func() {
		for i := range slabs {
			slabs[i].Free()
		}
		slabs = slabs[:0]
	}
	steps := []struct {
		name       string
		n, bytes   int
		idle, used int64
	}{
		{"one of a block", 1, 64 << 10, 2<<20 - 64<<10, 64 << 10},
		{"one of another class", 1, 512 << 10, 2<<20 - 576<<10, 576 << 10},
		{"the rest of it", 23, 64 << 10, 0, 2 << 20},
		{"a part of another", 8, 128 << 10, 1 << 20, 3 << 20},
		{"too small for a block", 1, 4 << 10, 1 << 20, 3<<20 + 4<<10},
		{"no room for a third", 10, 1 << 20, 1 << 20, 13<<20 + 4<<10},
		{"what is left of the last", 1, 1 << 20, 0, 14<<20 + 4<<10},
		{"mapped alone", 1, 1 << 20, 0, 15<<20 + 4<<10},
	}
	for _, s := range steps {
		take(s.n, s.bytes)
		if idle, used, _ := held(); idle != s.idle || used-before != s.used {
			t.Errorf("%s: %d bytes idle, %d used", s.name, idle, used-before)
		}
	}
	free()
	if idle, used, _ := held(); idle != 15<<20+4<<10 || used != before {
		t.Errorf("freed: %d bytes idle, %d used", idle, used-before)
	}
	take(1, 256<<10)
	if idle, _, _ := held(); idle > 16<<20-256<<10 {
		t.Errorf("%d bytes idle beside 256 KiB", idle)
	}
	free()
	Trim()
	if idle, used, _ := held(); idle != 0 || used != before {
		t.Errorf("trimmed: %d bytes idle, %d used", idle, used-before)
	}
}

// TestUnset: memory that was used before is handed out as it is to who asks for that, and to nobody else.
func TestUnset(t *testing.T) {
	var heap int64
	withHeap(t, &heap)
	s := MustAlloc(nil, 1<<20)
	s.B[7] = 9
	s.Free()
	u, err := AllocUnset(nil, 1<<20)
	if err != nil || u.B[7] == 0 {
		t.Errorf("an unset slab was cleared: %d, %v", u.B[7], err)
	}
	u.Free()
	if s = MustAlloc(nil, 1<<20); s.B[7] != 0 {
		t.Error("a slab is not zero")
	}
	s.Free()
}
