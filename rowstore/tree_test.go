package rowstore

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/laminadb/lamina/internal/mem"
)

// treeKeys are the ways of making keys that the tests run over.
var treeKeys = []struct {
	name  string
	exact bool
	key   func(i int) []byte
}{
	{"exact", true, func(i int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(i)) }},
	{"short", false, func(i int) []byte { return fmt.Appendf(nil, "%d", i) }},
	{"long", false, func(i int) []byte { return fmt.Appendf(nil, "a prefix that all keys share %08d", i) }},
}

func TestTreeAgainstMap(t *testing.T) {
	for _, k := range treeKeys {
		for _, order := range []string{"ascending", "descending", "random", "queue"} {
			t.Run(k.name+"/"+order, func(t *testing.T) { treeAgainstMap(t, k.exact, k.key, order) })
		}
	}
}

func treeAgainstMap(t *testing.T, exact bool, key func(int) []byte, order string) {
	c := &clock{}
	a := &arena{tracker: mem.NewTracker("test", 0)}
	defer a.destroy()
	tr := newTree(exact, c, a)
	model := map[int]uint64{}
	rng := rand.New(rand.NewPCG(7, 7))
	const n = 20_000
	remove := func(i int) {
		p := probeOf(key(i))
		row, has := model[i]
		if got := tr.remove(&p, row); got != has {
			t.Fatalf("remove %d: %v, want %v", i, got, has)
		}
		delete(model, i)
	}
	for step := range n {
		c.applied++
		c.watermark = c.applied - min(c.applied, 5)
		i := step
		switch order {
		case "descending":
			i = n - step
		case "random":
			i = rng.IntN(n / 2)
			if rng.IntN(4) == 0 || step > n/2 && rng.IntN(2) == 0 {
				remove(i)
				continue
			}
		case "queue":
			if step > 500 {
				remove(step - 500)
			}
		}
		p := probeOf(key(i))
		var old uint64
		had := false
		tr.set(&p, uint64(step), func(o uint64) { old, had = o, true })
		if was, ok := model[i]; ok != had || ok && was != old {
			t.Fatalf("set %d: previous %d %v, want %d %v", i, old, had, was, ok)
		}
		model[i] = uint64(step)
	}
	checkTree(t, tr, model, key, n)
	if order == "queue" && tr.next > 400 {
		t.Errorf("500 keys at a time needed %d nodes", tr.next)
	}
	for i := range model {
		remove(i)
	}
	checkTree(t, tr, model, key, n)
}

// checkTree compares the tree with the model by get and in order.
func checkTree(t *testing.T, tr *tree, model map[int]uint64, key func(int) []byte, n int) {
	t.Helper()
	for i := range n + 1 {
		p := probeOf(key(i))
		v, ok := tr.get(&p)
		if want, has := model[i]; ok != has || ok && v != want {
			t.Fatalf("get %d: %d %v, want %d %v", i, v, ok, want, has)
		}
	}
	seen := 0
	tr.ascend(func(row uint64) bool { seen++; return seen <= n })
	if seen != len(model) || int(tr.n.Load()) != len(model) {
		t.Fatalf("the walk saw %d keys, the count is %d, the model has %d", seen, tr.n.Load(), len(model))
	}
}

func BenchmarkTree(b *testing.B) {
	for _, k := range treeKeys {
		a := &arena{}
		tr := newTree(k.exact, &clock{}, a)
		rng := rand.New(rand.NewPCG(1, 1))
		keys := make([][]byte, 2_000_000)
		for i := range keys {
			keys[i] = k.key(i)
		}
		b.Run("op=insert/keys="+k.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p := probeOf(keys[rng.IntN(len(keys))])
				tr.set(&p, 1, nil)
			}
		})
		b.Run("op=get/keys="+k.name, func(b *testing.B) {
			for b.Loop() {
				p := probeOf(keys[rng.IntN(len(keys))])
				tr.get(&p)
			}
		})
		b.Run("op=append/keys="+k.name, func(b *testing.B) {
			at := newTree(k.exact, &clock{}, a)
			i := 0
			for b.Loop() {
				var p probe
				if k.exact {
					p.word = uint64(i)
				} else {
					p = probeOf(k.key(i))
				}
				at.set(&p, 1, nil)
				i++
			}
		})
		a.destroy()
	}
}
