package table_test

import (
	"fmt"
	"testing"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

func TestStorageOptions(t *testing.T) {
	d := &table.TableDef{Method: "columnar", Columns: []table.Column{
		{Name: "a", ID: 1, Type: types.T(types.Int4)},
		{Name: `B "c"`, ID: 2, Type: types.T(types.Text), Compression: table.CompressionZstd},
		{Name: "on", ID: 3, Type: types.T(types.Int4), Compression: table.CompressionNone},
	}}
	read := func(options map[string]string) string {
		d.Options = options
		if err := d.CheckStorage(); err != nil {
			return err.Error()
		}
		s, err := d.Storage()
		if err != nil {
			t.Error(err)
		}
		d.NormalizeStorage()
		if again, err := d.Storage(); err != nil || fmt.Sprint(again) != fmt.Sprint(s) {
			t.Errorf("%v: %v instead of %v, %v", d.Options, again, s, err)
		}
		return fmt.Sprint(s)
	}
	for _, c := range []struct {
		options map[string]string
		want    string
	}{
		{nil, "{default 0 [] 0 [{default 0} {zstd 0} {none 0}]}"},
		{map[string]string{"compression": "SNAPPY", "compression_level": "+3"}, "{snappy 3 [] 0 [{snappy 0} {zstd 0} {none 0}]}"},
		{map[string]string{"sort_key": ` "B ""c""" asc ,A`, "row_group_rows": "2048"}, "{default 0 [1 0] 2048 [{default 0} {zstd 0} {none 0}]}"},
		{map[string]string{"bitmap": " ON "}, "{default 0 [] 0 [{default 1} {zstd 1} {none 1}]}"},
		{map[string]string{"bitmap": "off"}, "{default 0 [] 0 [{default 2} {zstd 2} {none 2}]}"},
		{map[string]string{"bitmap": `"on"`}, "{default 0 [] 0 [{default 2} {zstd 2} {none 1}]}"},
		{map[string]string{"sort_key": "on"}, "{default 0 [2] 0 [{default 0} {zstd 0} {none 0}]}"},
		{map[string]string{"sort_key": `"a`}, `invalid value for option "sort_key": "a`},
		{map[string]string{"sort_key": `""`}, `invalid value for option "sort_key": ""`},
		{map[string]string{"sort_key": "a;"}, `invalid value for option "sort_key": a;`},
		{map[string]string{"row_group_rows": "1048577"}, `value 1048577 out of bounds for option "row_group_rows"`},
	} {
		if got := read(c.options); got != c.want {
			t.Errorf("%v:\n%s\n%s", c.options, got, c.want)
		}
	}
}
