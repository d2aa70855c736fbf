package lamina_test

import (
	"path/filepath"
	"testing"
)

// TestSerialCosts counts what values of sequences cost the log: no sync, and about a group for each 32.
func TestSerialCosts(t *testing.T) {
	const inserts = 320
	syncs := map[string]int64{}
	for name, column := range map[string]string{"plain": "int8", "serial": "bigserial", "identity": "int8 GENERATED ALWAYS AS IDENTITY"} {
		db := openDir(t, filepath.Join(t.TempDir(), "db"), nil)
		exec(t, db, "CREATE TABLE t (id "+column+", v int8)")
		before := db.Metrics()
		for i := range inserts {
			exec(t, db, "INSERT INTO t (v) VALUES ($1)", i)
		}
		m := db.Metrics()
		syncs[name] = m.LogSyncs - before.LogSyncs
		groups := m.Groups - before.Groups
		t.Logf("%s: %d inserts, %d syncs, %d groups", name, inserts, syncs[name], groups)
		if limit := int64(inserts + inserts/32 + 8); groups > limit {
			t.Errorf("%s: %d groups, at most %d are wanted", name, groups, limit)
		}
	}
	const others = 8 // of what goes on besides
	if syncs["plain"] < inserts || syncs["serial"] > inserts+others || syncs["identity"] > inserts+others {
		t.Errorf("%v syncs for %d inserts", syncs, inserts)
	}
}
