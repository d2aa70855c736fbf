package lamina_test

import (
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
)

// Persisted defaults hold for sessions that begin after the commit, and after the database is opened again.
func TestPersistedDefaults(t *testing.T) {
	dir := t.TempDir()
	db, err := lamina.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	old := connect(t, db)
	want(t, db, "UTC", "SHOW TimeZone")
	exec(t, old, "BEGIN; ALTER DATABASE lamina SET TimeZone = 'Asia/Tokyo'; ROLLBACK")
	want(t, db, "UTC", "SHOW TimeZone")
	exec(t, old, "BEGIN; ALTER DATABASE lamina SET TimeZone = 'Asia/Seoul'")
	want(t, db, "UTC", "SHOW TimeZone")
	exec(t, old, "COMMIT")
	want(t, db, "Asia/Seoul", "SHOW TimeZone")
	want(t, connect(t, db), "Asia/Seoul", "SHOW TimeZone")
	want(t, old, "UTC", "SHOW TimeZone")
	exec(t, db, "ALTER DATABASE lamina SET bytea_output TO escape; ALTER DATABASE lamina SET search_path = app, public")
	for _, c := range []struct {
		sql  string
		code sqlerr.Code
	}{
		{"ALTER DATABASE other SET TimeZone = 'UTC'", sqlerr.InvalidCatalogName},
		{"ALTER DATABASE lamina SET nothing = 1", sqlerr.UndefinedObject},
		{"ALTER DATABASE lamina SET TimeZone = 'Atlantis'", sqlerr.InvalidParameterValue},
		{"ALTER DATABASE lamina SET server_version = '1'", sqlerr.CantChangeRuntimeParam},
		{"ALTER DATABASE lamina SET transaction_read_only = on", sqlerr.CantChangeRuntimeParam},
		{"ALTER DATABASE lamina SET TRANSACTION READ ONLY", sqlerr.FeatureNotSupported},
		{"BEGIN READ ONLY; ALTER DATABASE lamina RESET ALL", sqlerr.ReadOnlySQLTransaction},
	} {
		_, err := db.Exec(t.Context(), c.sql)
		wantCode(t, err, c.code, c.sql)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openDir(t, dir, nil)
	want(t, db, "Asia/Seoul", "SHOW TimeZone")
	want(t, db, "escape", "SHOW bytea_output")
	want(t, db, "app, public", "SHOW search_path")
	exec(t, db, "ALTER DATABASE lamina RESET TimeZone")
	want(t, db, "UTC", "SHOW TimeZone")
	exec(t, db, "ALTER DATABASE lamina SET bytea_output TO DEFAULT")
	want(t, db, "hex", "SHOW bytea_output")
	exec(t, db, "ALTER DATABASE lamina RESET ALL")
	want(t, db, `"$user", public`, "SHOW search_path")
}
