package lamina_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// Every invalid field is reported at once.
func TestOptionsReportAll(t *testing.T) {
	o := &lamina.Options{
		MemoryBytes: -1, QueryBytes: -2, Workers: -3,
		Storage: table.LSM{
			Common:        table.Common{MemoryBytes: -4, LogFileBytes: -5, LogBytesMax: -6},
			MemtableBytes: -7, MemtablesMax: -8, BloomFalsePositiveRate: 1, CompactionThreshold: -9, Dir: "a",
			Compression: 99,
		},
		Settings: map[string]string{"TimeZone": "Nowhere", "work_mem": "1MB", "server_version": "9", "statement_timeout": "soon"},
	}
	_, err := lamina.Open("b", o)
	if err == nil {
		t.Fatal("no error")
	}
	if _, ok := errors.AsType[*sqlerr.Error](err); !ok {
		t.Errorf("%T", err)
	}
	for _, part := range []string{
		"MemoryBytes is negative", "QueryBytes is negative", "Workers is negative",
		"Storage.MemoryBytes", "Storage.LogFileBytes", "Storage.LogBytesMax",
		"MemtableBytes", "MemtablesMax", "BloomFalsePositiveRate", "CompactionThreshold", "Compression",
		"TimeZone", "work_mem", "server_version", "statement_timeout", "two directories",
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not reported: %v", part, err)
		}
	}
}

func TestOptionsErrors(t *testing.T) {
	for name, c := range map[string]struct {
		dir  string
		o    lamina.Options
		code sqlerr.Code
	}{
		"memory with a directory": {"d", lamina.Options{Storage: table.Memory{}}, sqlerr.InvalidParameterValue},
		"columnar without":        {"", lamina.Options{Storage: table.Columnar{}}, sqlerr.InvalidParameterValue},
		"too many workers":        {"", lamina.Options{Workers: 5000}, sqlerr.InvalidParameterValue},
		"more for a query":        {"", lamina.Options{MemoryBytes: 1 << 20, QueryBytes: 1 << 30}, sqlerr.InvalidParameterValue},
		"unknown setting":         {"", lamina.Options{Settings: map[string]string{"nix": "1"}}, sqlerr.UndefinedObject},
		"cluster":                 {"", lamina.Options{Storage: table.Cluster{}}, sqlerr.FeatureNotSupported},
	} {
		t.Run(name, func(t *testing.T) {
			db, err := lamina.Open(c.dir, &c.o)
			wantCode(t, err, c.code, name)
			if err == nil {
				db.Close()
			}
		})
	}
	if err := (*lamina.Options)(nil).Validate(); err != nil {
		t.Error(err)
	}
}

func TestOptionsHaveEffect(t *testing.T) {
	db := open(t, &lamina.Options{Settings: map[string]string{"timezone": "America/New_York", "application_name": "x"}})
	want(t, db, "America/New_York", "SHOW TimeZone")
	want(t, db, "x", "SHOW application_name")
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	exec(t, conn, "SET application_name = 'y'; RESET application_name")
	want(t, conn, "x", "SHOW application_name")

	db = open(t, &lamina.Options{MemoryBytes: 8 << 20, QueryBytes: 1 << 20})
	_, err = db.Exec(t.Context(), "SELECT md5(g::text) AS h, count(*) FROM generate_series(1, 1000000) g GROUP BY h ORDER BY h")
	wantCode(t, err, sqlerr.OutOfMemory, "a query beyond QueryBytes")

	db = open(t, nil)
	_, err = db.Exec(t.Context(), "COPY t FROM '/nowhere'")
	wantCode(t, err, sqlerr.UndefinedTable, "COPY")
}
