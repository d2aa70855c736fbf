package store

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// TestKeyTable holds a key table against lists of rows by key, with keys that ascend for long, or never, and tables
// that shrink again.
func TestKeyTable(t *testing.T) {
	ascended, searched, hashed := 0, 0, 0
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var kt keyTable
		model := map[string][]int32{} // rows, oldest first
		var added []string
		next, row := uint64(0), int32(0)
		key := func(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }
		add := func(k []byte) {
			kt.add(k, row)
			model[string(k)] = append(model[string(k)], row)
			added = append(added, string(k))
			row++
		}
		check := func(k []byte) {
			e := kt.find(k)
			rows := model[string(k)]
			for i := len(rows) - 1; i >= 0; i-- {
				if e < 0 || kt.entries[e].row != rows[i] {
					t.Fatalf("seed %d: row %d of key %x is not found", seed, rows[i], k)
				}
				e = kt.older(e)
			}
			if e >= 0 {
				t.Fatalf("seed %d: key %x has row %d, which was not added", seed, k, kt.entries[e].row)
			}
		}
		for range 3 * ascendingMin {
			next += 1 + rng.Uint64N(3)
			add(key(next))
		}
		if kt.ascending {
			ascended++
		}
		disorder := []int{0, 1, 100}[seed%3] // of a thousand
		for range 20_000 {
			switch p := rng.IntN(1000); {
			case p < disorder:
				add(key(rng.Uint64N(next)))
			case p < 400:
				next += 1 + rng.Uint64N(3)
				add(key(next))
			case p < 430:
				for n := rng.IntN(20); n > 0 && len(added) > 0; n-- {
					kt.pop()
					k := added[len(added)-1]
					added = added[:len(added)-1]
					if model[k] = model[k][:len(model[k])-1]; len(model[k]) == 0 {
						delete(model, k)
					}
				}
			case p < 450+int(seed)*10:
				check(key(rng.Uint64N(next + 2)))
				if kt.ascending {
					searched++
				} else {
					hashed++
				}
			default:
				check(key(next + 1))
			}
		}
		for k := range model {
			check([]byte(k))
		}
	}
	if ascended != 12 || searched < 1000 || hashed < 1000 {
		t.Errorf("%d tables ascended, %d keys were sought in such ones, %d in others", ascended, searched, hashed)
	}
}
