package lamina_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/laminadb/lamina/sqlerr"
)

// TestCopyLeavesRowsOut copies many chunks, and as many rows as make a bulk load: rows with values that cannot be read, and those for
// which WHERE is not true, are left out, and no others; markers become defaults, in the order of the rows.
func TestCopyLeavesRowsOut(t *testing.T) {
	ctx := context.Background()
	db := openDir(t, filepath.Join(t.TempDir(), "db"), nil)
	exec(t, db, "CREATE SEQUENCE s; CREATE TABLE t (id int PRIMARY KEY, n bigint DEFAULT nextval('s'), v text DEFAULT 'none', d date)")
	const rows = 120_000
	var in strings.Builder
	skipped, defaults, odd, kept, sum := 0, 0, 0, 0, 0
	for i := range rows {
		id, n, v := fmt.Sprint(i), fmt.Sprint(i), "text"
		bad := false
		switch {
		case i%97 == 0:
			id, bad = "x"+id, true
		case i%89 == 0:
			n, bad = "1e", true
		case i%53 == 0:
			n, v = "*", "*"
		}
		fmt.Fprintf(&in, "%s,%s,%s,2024-01-01\n", id, n, v)
		switch {
		case bad:
			skipped++
			continue
		case n == "*":
			defaults, odd = defaults+1, odd+i%2
		}
		if i%2 == 1 {
			kept, sum = kept+1, sum+i
		}
	}
	file := filepath.Join(t.TempDir(), "in.csv")
	if err := os.WriteFile(file, []byte(in.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	sql := "COPY t FROM '" + file + "' (FORMAT csv, DEFAULT '*', ON_ERROR ignore, REJECT_LIMIT %d) WHERE id %% 2 = 1 AND v IS NOT NULL"
	_, err := db.Exec(ctx, fmt.Sprintf(sql, skipped-1))
	e, ok := errors.AsType[*sqlerr.Error](err)
	if !ok || e.Code != "22P02" || !strings.HasPrefix(e.Context, "COPY t, line 119") {
		t.Errorf("beyond the limit: %v, context %q", err, e.Context)
	}
	want(t, db, "0", "SELECT count(*) FROM t")
	exec(t, db, "SELECT setval('s', 1, false)")
	if r := exec(t, db, fmt.Sprintf(sql, skipped)); r.RowsAffected != int64(kept) {
		t.Errorf("%d rows, want %d", r.RowsAffected, kept)
	}
	want(t, db, fmt.Sprint(kept, "|", sum), "SELECT count(*), sum(id) FROM t")
	// All markers take a number, also those of rows that WHERE leaves out.
	want(t, db, fmt.Sprint(defaults, "|", odd), "SELECT (SELECT last_value FROM s), count(*) FROM t WHERE v = 'none'")
	want(t, db, "t", "SELECT bool_and(n > before) FROM (SELECT n, lag(n, 1, 0) OVER (ORDER BY id) AS before FROM t WHERE v = 'none') AS x")
	if kept < 50_000 || skipped < 2000 || defaults < 2000 {
		t.Errorf("%d rows, %d left out, %d defaults", kept, skipped, defaults)
	}
}
