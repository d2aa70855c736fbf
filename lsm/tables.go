package lsm

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/zeebo/xxh3"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// tableSet is the immutable set of tables at an LSN.
type tableSet map[table.ObjectID]*tableState

// tableState is a table as one version of its definition sees it.
type tableState struct {
	def *table.TableDef
	d   *data
}

// data is one incarnation of a table: rows of one layout between two times when all of them went.
type data struct {
	id     table.ObjectID
	inc    uint64
	layout uint64
	types  []types.Type // of the columns, then of the hidden key if there is no primary key
	// identity are the columns of the primary key, or the hidden one.
	identity []int
	// keys[k] are the columns of TableDef.Keys[k].
	keys    [][]int
	primary bool // Keys[0] is the primary key
	live    atomic.Int64
	bytes   atomic.Int64 // of all entries, keys and values
	// most bounds the rows that any snapshot of the incarnation shows.
	most atomic.Int64
	// top is no less than any key of a row that Pebble has, or has had; nil: it has had none. greatest is that of the rows
	// that were applied, for whoever applies.
	top      atomic.Pointer[[]byte]
	greatest []byte
	sample   sample
	stats    struct {
		sync.Mutex
		s    table.Stats
		rows int64
		seen uint64
		made bool
	}
}

func newData(def *table.TableDef, inc uint64) *data {
	d := &data{id: def.ID, inc: inc, layout: layoutOf(def)}
	for i := range def.Columns {
		d.types = append(d.types, def.Columns[i].Type)
	}
	d.identity = def.PrimaryKey()
	d.primary = d.identity != nil
	if !d.primary {
		d.identity = []int{len(d.types)}
		d.types = append(d.types, types.T(types.Int8))
	}
	for k := range def.Keys {
		d.keys = append(d.keys, def.Keys[k].Columns)
	}
	d.sample.init(uint64(def.ID))
	return d
}

// add changes the number of rows, and the bytes of what is there.
func (d *data) add(n, bytes int64) {
	d.bytes.Add(bytes)
	if now := d.live.Add(n); now > d.most.Load() {
		d.most.Store(now)
	}
}

// sameLayout reports whether the rows of one version of a table are rows of the other.
func sameLayout(a, b *table.TableDef) bool {
	same := a.Layout == b.Layout && len(a.Columns) == len(b.Columns) && len(a.Keys) == len(b.Keys)
	for i := 0; same && i < len(a.Columns); i++ {
		same = a.Columns[i].Type == b.Columns[i].Type
	}
	for i := 0; same && i < len(a.Keys); i++ {
		same = a.Keys[i].Primary == b.Keys[i].Primary && slices.Equal(a.Keys[i].Columns, b.Keys[i].Columns)
	}
	return same
}

// layoutOf returns a number that is the same for definitions of one layout.
func layoutOf(def *table.TableDef) uint64 {
	b := fmt.Appendf(nil, "%d", def.Layout)
	for i := range def.Columns {
		t := def.Columns[i].Type
		b = fmt.Appendf(b, " %d.%d", t.Kind, t.Mod)
	}
	for i := range def.Keys {
		b = fmt.Appendf(b, " %v%v", def.Keys[i].Primary, def.Keys[i].Columns)
	}
	return xxh3.Hash(b)
}

// with changes one entry of the table set; nil removes it.
func (t *Tier) with(id table.ObjectID, s *tableState) {
	set := maps.Clone(*t.tables.Load())
	delete(set, id)
	if s != nil {
		set[id] = s
	}
	t.tables.Store(&set)
}
