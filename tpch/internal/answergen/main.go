// Command answergen makes the files of expected answers with a real PostgreSQL (15 or newer). In a
// schema of its own, which it drops first and last, it creates the tables, loads the rows of the
// generator, and copies out the result of each query as PostgreSQL prints it:
//
//	go run ./internal/answergen -dsn "host=localhost user=postgres" -sf 0.01,0.1,1 -out answers
//
// Indexes keep the correlated queries short at scale factor 1, where all takes three minutes and 3 GB.
//
// It refuses answers that are not determined by the query: a LIMIT that cuts through rows which are
// equal in the ORDER BY columns. Rows equal in these columns within an answer are reported;
// comparing allows for their order.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/laminadb/lamina/tpch"
	"github.com/laminadb/lamina/tpch/internal/answerfile"
)

func main() {
	log.SetFlags(0)
	dsn := flag.String("dsn", "", "connection string of PostgreSQL")
	factors := flag.String("sf", "0.01,0.1,1", "scale factors")
	out := flag.String("out", "answers", "folder of the answer files")
	flag.Parse()
	for factor := range strings.SplitSeq(*factors, ",") {
		if err := generate(context.Background(), *dsn, factor, *out); err != nil {
			log.Fatalf("scale factor %s: %v", factor, err)
		}
	}
}

func generate(ctx context.Context, dsn, factor, out string) error {
	sf, err := strconv.ParseFloat(factor, 64)
	if err != nil {
		return err
	}
	g, err := tpch.New(sf)
	if err != nil {
		return err
	}
	conn, err := pgconn.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if err := load(ctx, conn, g); err != nil {
		return err
	}
	var sections []answerfile.Section
	for n := 1; n <= tpch.NumQueries; n++ {
		if sections, err = answer(ctx, conn, sections, n); err != nil {
			return fmt.Errorf("query %d: %w", n, err)
		}
	}
	if err := exec(ctx, conn, "drop schema tpch_answers cascade"); err != nil {
		return err
	}
	file, err := answerfile.Encode(sections)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, "sf"+factor+".txt.gz"), file, 0o644)
}

func exec(ctx context.Context, conn *pgconn.PgConn, sql string) error {
	_, err := conn.Exec(ctx, sql).ReadAll()
	return err
}

func load(ctx context.Context, conn *pgconn.PgConn, g *tpch.Generator) error {
	setup := `set client_min_messages = warning; drop schema if exists tpch_answers cascade;
		create schema tpch_answers; set search_path = tpch_answers`
	if err := exec(ctx, conn, setup); err != nil {
		return err
	}
	for _, t := range tpch.Tables() {
		if err := exec(ctx, conn, tpch.DDL(t)); err != nil {
			return err
		}
		r, w := io.Pipe()
		go func() { w.CloseWithError(g.WriteTBL(ctx, w, t, false, tpch.GenerateOptions{})) }()
		tag, err := conn.CopyFrom(ctx, r, "copy "+t.Name()+" from stdin (delimiter '|')")
		r.Close()
		if err != nil {
			return fmt.Errorf("load %s: %w", t, err)
		}
		if tag.RowsAffected() != g.Rows(t) {
			return fmt.Errorf("load %s: %d rows of %d", t, tag.RowsAffected(), g.Rows(t))
		}
	}
	return exec(ctx, conn, indexes+"; analyze; set work_mem = '256MB'")
}

// indexes are what the correlated subqueries look up, besides the primary keys.
const indexes = "create index on lineitem (l_partkey, l_suppkey); create index on orders (o_custkey)"

var limit = regexp.MustCompile(`\nlimit (\d+)$`)

func answer(ctx context.Context, conn *pgconn.PgConn, sections []answerfile.Section, n int) (
	[]answerfile.Section, error,
) {
	query := tpch.Query(n)
	var copied bytes.Buffer
	if _, err := conn.CopyTo(ctx, &copied, "copy ("+query+") to stdout (format text, header)"); err != nil {
		return nil, err
	}
	sections, err := answerfile.Append(sections, n, copied.Bytes())
	if err != nil {
		return nil, err
	}
	rows := sections[len(sections)-1].Rows
	if m := limit.FindStringSubmatch(query); m != nil {
		all := limit.ReplaceAllString(query, "\nfetch first $1 rows with ties")
		tag, err := conn.CopyTo(ctx, io.Discard, "copy ("+all+") to stdout")
		if err != nil {
			return nil, err
		}
		if tag.RowsAffected() != int64(len(rows)) {
			return nil, fmt.Errorf("the limit cuts through rows equal in the ORDER BY columns")
		}
	}
	ties, err := countTies(n, rows)
	if err != nil {
		return nil, err
	}
	log.Printf("query %d: %d rows, %d of them equal to the row before in the ORDER BY columns", n, len(rows), ties)
	return sections, nil
}

// countTies counts the rows that the ORDER BY does not tell from the row before.
func countTies(n int, rows []string) (int, error) {
	ties, last := 0, ""
	for i, row := range rows {
		values, _, err := answerfile.Fields(row)
		if err != nil {
			return 0, err
		}
		var key strings.Builder
		for _, k := range tpch.OrderKeys(n) {
			fmt.Fprintf(&key, "%q ", values[k])
		}
		if i > 0 && key.String() == last {
			ties++
		}
		last = key.String()
	}
	return ties, nil
}
