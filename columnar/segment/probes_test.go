package segment_test

import (
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// TestKeysAtOnce: of many keys that are asked for at once, those that are there are never said to be absent, and few of
// the others are said to be there, with no cache, with one that the filter does not fit into, and with a large one.
func TestKeysAtOnce(t *testing.T) {
	present, absent, passed := 0, 0, 0
	for seed, n := range []int{0, 1, 300, 30_000} {
		rng := rand.New(rand.NewPCG(uint64(seed), 9))
		rows := orderRows(rng, n)
		fs := vfs.NewMem()
		info := write(t, fs, "orders", orders, segment.Options{ZoneRows: 128, RowGroupRows: 1024}, rows, rng)
		for _, cache := range []*segment.Cache{nil, segment.NewCache(64 << 10), segment.NewCache(8 << 20)} {
			seg := open(t, fs, "orders", info, cache)
			for k, key := range orders.Keys {
				keys, there := someKeys(rng, rows, k, key.Cols)
				may := make([]bool, keys.Len())
				before := seg.Metrics().BloomRejects
				if err := seg.MayHave(k, keys, segment.HashKeys(nil, keys), may); err != nil {
					t.Fatal(err)
				}
				for i, is := range there {
					switch {
					case is && !may[i]:
						t.Fatalf("key %x is there, and was said not to be", keys.At(i))
					case is:
						present++
						continue
					case may[i]:
						passed++
					}
					absent++
				}
				if n >= 300 && seg.Metrics().BloomRejects == before {
					t.Error("no key was rejected by the filter")
				}
			}
		}
	}
	if present < 40_000 || absent < 40_000 || passed > absent/50 {
		t.Errorf("%d keys were there, %d were not, of which %d passed", present, absent, passed)
	}
}

// someKeys returns keys of rows and others in a random order, and which are there.
func someKeys(rng *rand.Rand, rows []types.Row, k int, cols []int) (keys *table.Keys, there []bool) {
	keys = &table.Keys{}
	for i := range 2*len(rows) + 3 {
		row := types.Row{types.NewInt(types.Int8, rng.Int64N(int64(len(rows)+1))-50), types.NewInt(types.Int4, -3), types.NewString(types.Text, "code-5x"+string(rune('0'+i%10)))}
		is := len(rows) > 0 && rng.IntN(2) == 0
		if is {
			row = rows[rng.IntN(len(rows))]
		}
		enc, ok := index.AppendRow(nil, row, cols)
		if !ok {
			continue // it has no key
		}
		if keys.Append(enc); k == 1 && !is {
			keys.Data = append(keys.Data, byte(i), byte(i>>8))
			keys.Ends[len(keys.Ends)-1] += 2
		}
		there = append(there, is)
	}
	return keys, there
}
