package recovery

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// Part is the name of the child's part, and Write what it does.
const Part = "recovery"

// The goroutines that write. Transactions of the first ones, Options.SmallWriters of them, have one row, those of the
// others mediumRows.
const (
	writers    = 64
	mediumRows = 64
)

// logWriter is the number under which the bytes of the log are told.
const logWriter = writers

// writerShift is where the number of a writer begins in a key; below it is that of the row, from 1 on.
const writerShift = 40

// payload is the text of a row.
const payload = "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789"

// rowsOf returns the number of rows of a writer's transactions.
func rowsOf(writer, smallWriters int) int64 {
	if writer < smallWriters {
		return 1
	}
	return mediumRows
}

// message is what a child tells: a writer and the rows that it has committed, or logWriter and the log's bytes. It
// is written with one call, so that messages do not mix.
type message struct{ writer, n uint64 }

const messageBytes = 16

func (m message) send(f *os.File) error {
	var b [messageBytes]byte
	binary.LittleEndian.PutUint64(b[:], m.writer)
	binary.LittleEndian.PutUint64(b[8:], m.n)
	_, err := f.Write(b[:])
	return err
}

// Write writes to a new database in args[0] until it is killed, or the log has args[1] times two bytes. args[2] is the
// number of writers of small transactions.
func Write(ctx context.Context, args []string) error {
	bytes, err := strconv.ParseInt(args[1], 10, 64)
	if err != nil {
		return err
	}
	small, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	dir := filepath.Join(args[0], "db")
	// No checkpoint: the whole log is to be read.
	db, err := lamina.Open(dir, &lamina.Options{Storage: table.Columnar{Common: table.Common{LogBytesMax: 1 << 50}}})
	if err != nil {
		return err
	}
	if _, err := db.Exec(ctx, "CREATE TABLE t (id int8 PRIMARY KEY, a int8, b float8, c text)"); err != nil {
		return err
	}
	ended := make(chan error, writers)
	for w := range writers {
		go func() { ended <- write(ctx, db, w, rowsOf(w, small)) }()
	}
	tick := time.NewTicker(20 * time.Millisecond)
	for {
		select {
		case err := <-ended:
			return errors.Join(errors.New("a writer ended"), err)
		case <-tick.C:
		}
		m := db.Metrics()
		if m.LogBytes > 2*bytes {
			return fmt.Errorf("the log has %d bytes and nobody has killed this process", m.LogBytes)
		}
		if m.Checkpoints > 0 {
			return errors.New("a checkpoint was made")
		}
		if err := (message{logWriter, uint64(m.LogBytes)}).send(os.Stdout); err != nil {
			return err
		}
	}
}

// write commits transactions of so many rows of one writer for ever.
func write(ctx context.Context, db *lamina.DB, w int, rows int64) error {
	st, err := db.Prepare(ctx, "INSERT INTO t VALUES ($1, $2, $3, $4)")
	if err != nil {
		return err
	}
	for n := int64(0); ; {
		first := int64(w)<<writerShift | (n + 1)
		if rows == 1 {
			_, err = st.Exec(ctx, first, first, 0.5, payload)
		} else {
			err = medium(ctx, db, first)
		}
		if err != nil {
			return err
		}
		n += rows
		if err := (message{uint64(w), uint64(n)}).send(os.Stdout); err != nil {
			return err
		}
	}
}

// medium commits mediumRows rows.
func medium(ctx context.Context, db *lamina.DB, first int64) error {
	app, err := db.Appender(ctx, "t")
	if err != nil {
		return err
	}
	for id := first; id < first+mediumRows; id++ {
		row := types.Row{types.NewInt(types.Int8, id), types.NewInt(types.Int8, id), types.NewFloat(types.Float8, 0.5),
			types.NewString(types.Text, payload)}
		if err := app.AppendDatums(ctx, row); err != nil {
			return err
		}
	}
	return app.Close(ctx)
}
