package lamina_test

import (
	"fmt"
	"testing"

	"github.com/laminadb/lamina"
)

// TestCacheMakesRoom: what queries keep of columns takes memory that nobody uses, and goes when rows of a table in memory need
// it: they have as much as if nobody had read.
func TestCacheMakesRoom(t *testing.T) {
	const memory = 256 << 20
	db := openDir(t, t.TempDir(), &lamina.Options{MemoryBytes: memory})
	exec(t, db, "CREATE TABLE c (id int8 PRIMARY KEY, a int8, b int8, s text); CREATE TABLE m (id int8, s text) USING memory")
	for i := range 8 {
		exec(t, db, fmt.Sprintf("INSERT INTO c SELECT i, i::int8 * 7919 %% 1000003, i * 31, md5(i::text) FROM generate_series(%d, %d) AS s(i)", i*200_000, i*200_000+199_999))
	}
	exec(t, db, "VACUUM FULL c")
	cached := func() int64 { return columnarMetrics(t, db).CacheBytes }
	for range 4 {
		want(t, db, "1600000|51200000", "SELECT count(*), sum(length(s)) FROM c WHERE id >= 0 AND a >= 0 AND b >= 0")
	}
	own := int64(memory / 2 / 4)
	most := cached()
	if most < own+own/2 {
		t.Fatalf("%d MiB of columns are kept, %d are the cache's own", most>>20, own>>20)
	}
	limit := db.Metrics().MemoryLimit
	rows := 0
	for cached() > own || db.Metrics().MemoryBytes < limit*7/8 {
		exec(t, db, fmt.Sprintf("INSERT INTO m SELECT i, repeat('x', 100) || i FROM generate_series(%d, %d) AS s(i)", rows, rows+9_999))
		if rows += 10_000; rows > 4_000_000 {
			t.Fatal("the cache does not make room")
		}
	}
	m := db.Metrics()
	of := map[string]int64{}
	for _, u := range m.Memory {
		of[u.Name] = u.Bytes
	}
	if left := cached(); of["memory tables"] < limit*3/8 || left > own {
		t.Errorf("tables in memory have %d of %d MiB, the cache %d, it had %d", of["memory tables"]>>20, limit>>20, left>>20, most>>20)
	}
	want(t, db, fmt.Sprint(rows), "SELECT count(*) FROM m")
	want(t, db, "1600000|51200000", "SELECT count(*), sum(length(s)) FROM c WHERE a >= 0 AND b >= 0")
}
