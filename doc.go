// Package lamina is an embeddable HTAP table store: transactional writes and analytical queries on the same
// fresh data, in one directory, in PostgreSQL's dialect, in pure Go.
//
//	db, err := lamina.Open("data", nil)
//	_, err = db.Exec(ctx, "CREATE TABLE orders (id int8 PRIMARY KEY, total numeric(15,2))")
//	_, err = db.Exec(ctx, "INSERT INTO orders VALUES ($1, $2)", 1, "99.90")
//	rows, err := db.Query(ctx, "SELECT count(*), sum(total) FROM orders")
//
// There are three ways to make a database: Open with a directory (or "" for memory) and defaults; Open
// with Options.Storage, a configuration; OpenStorage around a given backend.
//
// Ways in and out besides Exec and Query: DB.Appender adds many rows without SQL, DB.QueryArrow returns Arrow record
// batches, TableOf reads and writes structs, DB.RunTx runs a transaction again when another was in its way, and the
// package stdlib is the driver for database/sql.
//
// DB.Close ends what runs, waits for what is open, and names where it was made if it stays open.
//
// A DB may be used by any goroutine; a Conn, Tx, Rows, Stmt or Appender by one at a time. Errors that SQL
// defines are *sqlerr.Error with a SQLSTATE.
package lamina
