package lamina_test

import (
	"archive/zip"
	"bytes"
	"context"
	"flag"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/table"
)

// formatBytesMax bounds a database that is kept for later versions.
const formatBytesMax = 300 << 10

// keptFormat is a database that is kept for later versions: in each folder of testdata/formats, as it was when its process was
// killed, and its rows.
type keptFormat struct {
	name, database, rows string
	tables               []string
	options              func(dir string) *lamina.Options
	work                 func(t *testing.T, db *lamina.DB)
	// scripted returns its rows as rows.py prints them; nil: it does not read their files.
	scripted func(t *testing.T, dir string) string
}

var keptFormats = []keptFormat{
	{
		name: "columnar", database: "database.zip", rows: "rows.txt", tables: formatTables, options: smallLog, work: formatWork,
		scripted: func(t *testing.T, dir string) string { return python(t, "rows.py", dir) },
	},
	{
		name: "lsm", database: "lsm.zip", rows: "lsm.txt", tables: lsmFormatTables, options: smallLSM, work: lsmFormatWork,
		scripted: func(t *testing.T, dir string) string { return python(t, "rows.py", dir, writePairs(t, dir)) },
	},
	{
		name: "segments", database: "segments.zip", rows: "segments.txt", tables: segmentFormatTables, options: smallSegments,
		work: segmentFormatWork,
	},
}

var makeFormats = flag.String("make-formats", "", "write this database of testdata/formats/v1 anew: only before its format is released")

// TestFormatsOpen opens the databases that each version of the format has left.
func TestFormatsOpen(t *testing.T) {
	for _, k := range keptFormats {
		if *makeFormats == k.name {
			k.make(t, filepath.Join("testdata", "formats", "v1"))
		}
	}
	versions, err := filepath.Glob(filepath.Join("testdata", "formats", "v*"))
	if err != nil || len(versions) < 1 {
		t.Fatalf("no formats: %v", err)
	}
	for _, v := range versions {
		for _, k := range keptFormats {
			t.Run(filepath.Base(v)+"/"+k.name, func(t *testing.T) { k.open(t, v) })
		}
	}
}

// open compares the rows of a kept database with what there was, read from its files, and twice after it was opened.
func (k *keptFormat) open(t *testing.T, folder string) {
	b, err := os.ReadFile(filepath.Join(folder, k.database))
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > formatBytesMax {
		t.Errorf("%d bytes", len(b))
	}
	rows, err := os.ReadFile(filepath.Join(folder, k.rows))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "db")
	unzip(t, b, dir)
	if k.scripted != nil {
		if got := k.scripted(t, dir); got != string(rows) {
			t.Errorf("rows.py reads other rows, from byte %d on", firstDifference(got, string(rows)))
		}
	}
	for _, times := range []string{"first", "second"} {
		db, err := lamina.Open(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := contents(t, db, k.tables); got != string(rows) {
			t.Errorf("opened the %s time: other rows, from byte %d on", times, firstDifference(got, string(rows)))
		}
		if err := db.Verify(context.Background(), func(d table.Damage) bool { t.Errorf("%+v", d); return true }); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// make writes a database of the present version.
func (k *keptFormat) make(t *testing.T, into string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "db")
	db, err := lamina.Open("", k.options(dir))
	if err != nil {
		t.Fatal(err)
	}
	k.work(t, db)
	rows := contents(t, db, k.tables)
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		w, err := z.Create(filepath.ToSlash(name))
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if err == nil {
			_, err = w.Write(content)
		}
		return err
	})
	for _, err := range []error{err, z.Close(), db.Close(), os.MkdirAll(into, 0o750),
		os.WriteFile(filepath.Join(into, k.database), b.Bytes(), 0o600), os.WriteFile(filepath.Join(into, k.rows), []byte(rows), 0o600)} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func unzip(t *testing.T, b []byte, dir string) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		for _, err := range []error{r.Close(), os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, content, 0o600)} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}
