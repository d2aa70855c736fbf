package load

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/benchmarks/machine"
	"github.com/laminadb/lamina/tpch"
)

// csvFile writes the rows as a csv file: a text is quoted if it has a comma in it, as about one comment in eight does.
func (r *rows) csvFile(name string) (err error) {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 1<<20)
	var line []byte
	for _, b := range r.batches {
		columns := b.Columns()
		for i := range b.Len() {
			line = line[:0]
			for k := range columns {
				line = append(appendCSV(line, &columns[k], i), ',')
			}
			line[len(line)-1] = '\n'
			if _, err := w.Write(line); err != nil {
				return err
			}
		}
	}
	return w.Flush()
}

func appendCSV(line []byte, c *tpch.Column, i int) []byte {
	switch {
	case c.Kind == tpch.Decimal:
		v := c.Int64[i]
		if v < 0 {
			line, v = append(line, '-'), -v
		}
		line = append(strconv.AppendInt(line, v/100, 10), '.')
		return append(line, byte('0'+v/10%10), byte('0'+v%10))
	case c.Kind == tpch.Date:
		return time.Unix(int64(c.Int32[i])*86400, 0).UTC().AppendFormat(line, time.DateOnly)
	case c.Int64 != nil:
		return strconv.AppendInt(line, c.Int64[i], 10)
	case c.Int32 != nil:
		return strconv.AppendInt(line, int64(c.Int32[i]), 10)
	case c.Codes != nil:
		return appendQuoted(line, []byte(c.Codes.At(i)))
	}
	return appendQuoted(line, c.Strings.At(i))
}

func appendQuoted(line, text []byte) []byte {
	if bytes.IndexByte(text, ',') < 0 {
		return append(line, text...)
	}
	return append(append(append(line, '"'), text...), '"')
}

// copyFrom is the statement that loads the file, in either dialect.
func copyFrom(file string) string {
	return "COPY lineitem FROM '" + strings.ReplaceAll(file, "'", "''") + "' (FORMAT csv, HEADER false, DELIMITER ',', QUOTE '\"', ESCAPE '\"')"
}

// copyLamina loads the file with COPY, which commits by itself.
func copyLamina(ctx context.Context, db *lamina.DB, o *Options, _ *rows) (w machine.Stopwatch, err error) {
	err = w.Time(func() error { _, err := db.Exec(ctx, copyFrom(o.csv)); return err })
	return w, err
}

// copyDuck loads the file with COPY, which commits by itself.
func copyDuck(ctx context.Context, conn *sql.Conn, o *Options, _ *rows) (w machine.Stopwatch, err error) {
	err = w.Time(func() error { _, err := conn.ExecContext(ctx, copyFrom(o.csv)); return err })
	return w, err
}
