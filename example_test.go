package lamina_test

import (
	"context"
	"fmt"
	"log"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/table"
)

// A database in memory with defaults. A directory instead of "" makes it durable.
func ExampleOpen() {
	ctx := context.Background()
	db, err := lamina.Open("", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(ctx, `CREATE TABLE orders (id int8 PRIMARY KEY, customer text NOT NULL, total numeric(15,2));
		INSERT INTO orders VALUES (1, 'Ada', 99.90), (2, 'Ben', 10), (3, 'Ada', 0.10)`); err != nil {
		log.Fatal(err)
	}
	rows, err := db.Query(ctx, `SELECT customer, sum(total) FROM orders GROUP BY customer ORDER BY 2 DESC`)
	if err != nil {
		log.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var customer, total string
		if err := rows.Scan(&customer, &total); err != nil {
			log.Fatal(err)
		}
		fmt.Println(customer, total)
	}
	// Output:
	// Ada 100.00
	// Ben 10.00
}

// A database from a configuration: here columnar, on a file system in memory, as tests use it.
func ExampleOpen_configuration() {
	ctx := context.Background()
	fs := vfs.NewMem()
	open := func() *lamina.DB {
		db, err := lamina.Open("data", &lamina.Options{Storage: table.Columnar{}, FS: fs, Settings: map[string]string{"TimeZone": "Europe/Vienna"}})
		if err != nil {
			log.Fatal(err)
		}
		return db
	}
	db := open()
	if _, err := db.Exec(ctx, `CREATE TABLE t (a int4); INSERT INTO t VALUES (1), (2)`); err != nil {
		log.Fatal(err)
	}
	if err := db.Close(); err != nil {
		log.Fatal(err)
	}
	db = open()
	defer db.Close()
	r, err := db.Exec(ctx, `SELECT a FROM t`)
	fmt.Println(r.Tag, err)
	// Output: SELECT 2 <nil>
}

// A database around a given backend, which may be anyone's table.TableStorage.
func ExampleOpenStorage() {
	ctx := context.Background()
	backend, err := lamina.NewTableStorage(table.Memory{})
	if err != nil {
		log.Fatal(err)
	}
	defer backend.Close()
	db, err := lamina.OpenStorage(backend, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	r, err := db.Exec(ctx, `CREATE TABLE t (a int4) USING memory; INSERT INTO t SELECT 7`)
	fmt.Println(r.Tag, err)
	// Output: INSERT 0 1 <nil>
}

// Structs without SQL.
func ExampleTableOf() {
	ctx := context.Background()
	db, err := lamina.Open("", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(ctx, `CREATE TABLE accounts (id int8 PRIMARY KEY, owner text, balance numeric(12,2))`); err != nil {
		log.Fatal(err)
	}
	type Account struct {
		ID      int64
		Owner   string
		Balance string
	}
	accounts := lamina.TableOf[Account](db, "accounts")
	if err := accounts.Insert(ctx, Account{1, "Ada", "10.50"}, Account{2, "Ben", "3"}); err != nil {
		log.Fatal(err)
	}
	if err := accounts.Put(ctx, Account{2, "Ben", "4"}); err != nil {
		log.Fatal(err)
	}
	a, err := accounts.Get(ctx, 2)
	fmt.Println(a, err)
	err = accounts.Delete(ctx, 3)
	fmt.Println(err)
	// Output:
	// {2 Ben 4.00} <nil>
	// row not found
}

// A transfer, run again whenever another transaction was in its way.
func ExampleDB_RunTx() {
	ctx := context.Background()
	db, err := lamina.Open("", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(ctx, `CREATE TABLE accounts (owner text PRIMARY KEY, balance int8 CHECK (balance >= 0));
		INSERT INTO accounts VALUES ('Ada', 100), ('Ben', 0)`); err != nil {
		log.Fatal(err)
	}
	transfer := func(from, to string, amount int64) error {
		return db.RunTx(ctx, table.TxOptions{Isolation: table.RepeatableRead}, func(tx *lamina.Tx) error {
			if _, err := tx.Exec(ctx, `UPDATE accounts SET balance = balance - $1 WHERE owner = $2`, amount, from); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `UPDATE accounts SET balance = balance + $1 WHERE owner = $2`, amount, to)
			return err
		})
	}
	fmt.Println(transfer("Ada", "Ben", 70))
	fmt.Println(transfer("Ada", "Ben", 70)) // nothing of it stays
	r, err := db.Query(ctx, `SELECT owner, balance FROM accounts ORDER BY owner`)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	for r.Next() {
		fmt.Println(r.Value(0), r.Value(1))
	}
	// Output:
	// <nil>
	// new row for relation "accounts" violates check constraint "accounts_balance_check"
	// Ada 30
	// Ben 70
}
