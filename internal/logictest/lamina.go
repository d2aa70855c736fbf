package logictest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/query"
	"github.com/laminadb/lamina/query/exec"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/server"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// laminaDB is Lamina in a configuration.
type laminaDB struct {
	c   Config
	fs  vfs.FS
	rnd *rand.Rand
	db  *lamina.DB
	srv *server.Server
	ln  net.Listener
	// Disturbances counts what Between did.
	checkpoints, reopens *int
}

// OpenLamina opens an empty database; the counters count what is done to it between records.
func OpenLamina(c Config, seed uint64, checkpoints, reopens *int) (Database, error) {
	l := &laminaDB{c: c, fs: vfs.NewMem(), rnd: rand.New(rand.NewPCG(seed, 1)), checkpoints: checkpoints, reopens: reopens}
	return l, l.open()
}

// osFiles opens files for COPY.
type osFiles struct{}

func (osFiles) Open(name string) (io.ReadCloser, error) { return os.Open(name) }

// Create opens a file for writing and empties it, or makes it.
func (osFiles) Create(name string) (io.WriteCloser, error) { return os.Create(name) }

func (l *laminaDB) open() error {
	o := &lamina.Options{FS: l.fs, Workers: l.c.Workers, Settings: l.c.settings(), MemoryBytes: 1 << 30, QueryBytes: l.c.QueryBytes}
	dir := ""
	if l.c.Tier != "memory" {
		dir = "db"
	}
	switch l.c.Tier {
	case "lsm":
		o.Storage = table.LSM{MemtableBytes: 1 << 20}
	case "segments":
		o.Storage = table.Columnar{DeltaRows: 2, SegmentRows: 64}
	}
	var err error
	if l.db, err = lamina.Open(dir, o); err != nil || l.c.Protocol == "api" {
		return err
	}
	if l.ln, err = server.Listen("127.0.0.1:0"); err != nil {
		return errors.Join(err, l.db.Close())
	}
	l.srv = server.New(l.db.Engine(), server.Options{Files: osFiles{}})
	go func(s *server.Server, ln net.Listener) { _ = s.Serve(ln) }(l.srv, l.ln) // Close ends it
	return nil
}

func (l *laminaDB) Close() error {
	var err error
	if l.srv != nil {
		err = l.srv.Close()
		l.srv = nil
	}
	SpilledBytes.Add(l.db.Metrics().SpilledBytes)
	return errors.Join(err, l.db.Close())
}

// SpilledBytes counts what databases that were closed have written to temporary files.
var SpilledBytes atomic.Int64

func (l *laminaDB) Is(name string) bool {
	return name == "lamina" || name == l.c.Tier || name == "kept" && l.c.Flush != "reopen" // memory tables lose their rows
}

func (l *laminaDB) Connect(ctx context.Context) (Conn, error) {
	if l.srv == nil {
		s, err := l.db.Engine().NewSession(query.SessionOptions{})
		return &sessionConn{s: s, l: l}, err
	}
	pg, err := dial(ctx, fmt.Sprintf("postgres://lamina@%s/lamina?sslmode=disable", l.ln.Addr()))
	if err != nil {
		return nil, err
	}
	return &wireConn{pg: pg, extended: l.c.Protocol == "extended", typeName: laminaTypeName, blocked: l.blockedPID}, nil
}

// Chances of what Between does, one in so many records.
const (
	checkpointOneIn = 5
	reopenOneIn     = 11
)

func (l *laminaDB) Between(ctx context.Context, conns map[string]Conn) error {
	if l.c.Flush == "none" || l.c.Tier == "memory" {
		return nil
	}
	if l.rnd.IntN(checkpointOneIn) == 0 {
		*l.checkpoints++
		if err := l.db.Checkpoint(ctx); err != nil {
			return fmt.Errorf("checkpoint: %w", err)
		}
	}
	if l.c.Flush != "reopen" || l.rnd.IntN(reopenOneIn) > 0 {
		return nil
	}
	for _, c := range conns {
		if s, ok := c.(*sessionConn); !ok || !s.s.Pristine() {
			return nil
		}
	}
	return l.reopen(ctx, conns)
}

// reopen closes the database and opens it again, with new sessions.
func (l *laminaDB) reopen(ctx context.Context, conns map[string]Conn) error {
	*l.reopens++
	for _, c := range conns {
		if err := c.Close(); err != nil {
			return err
		}
	}
	if err := l.Close(); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	if err := l.open(); err != nil {
		return fmt.Errorf("open again: %w", err)
	}
	for name := range conns {
		c, err := l.Connect(ctx)
		if err != nil {
			return err
		}
		conns[name] = c
	}
	return nil
}

// blockedPID reports whether the session with this number waits for a lock.
func (l *laminaDB) blockedPID(_ context.Context, pid uint32) (bool, error) {
	return l.blocked(l.db.Engine().SessionTxID(pid)), nil
}

func (l *laminaDB) blocked(tx uint64) bool {
	for _, w := range l.db.Metrics().LockWaits {
		if w.Waiter == tx && tx != 0 {
			return true
		}
	}
	return false
}

// sessionConn is a session of the engine, without a protocol.
type sessionConn struct {
	s *query.Session
	l *laminaDB
}

func (c *sessionConn) Close() error { return c.s.Close() }

func (c *sessionConn) Blocked(context.Context) (bool, error) { return c.l.blocked(c.s.TxID()), nil }

func (c *sessionConn) Run(ctx context.Context, sql string, r *Record) (*Outcome, error) {
	var o *Outcome
	var err error
	if r.Multi {
		o, err = c.multi(ctx, sql)
	} else {
		o, err = c.one(ctx, sql, r)
	}
	if ferr := c.s.Finish(ctx, err); err == nil {
		err = ferr
	}
	if err == nil {
		return o, nil
	}
	e, ok := errors.AsType[*sqlerr.Error](err)
	if !ok {
		return nil, fmt.Errorf("an error without SQLSTATE: %w", err)
	}
	return &Outcome{Err: &Error{Code: string(e.Code), At: e.Position, Message: err.Error()}}, nil
}

func (c *sessionConn) multi(ctx context.Context, sql string) (*Outcome, error) {
	list, err := c.s.Parse(ctx, sql)
	if err != nil {
		return nil, err
	}
	o := &Outcome{}
	for i := range list {
		p, err := c.s.PrepareOf(ctx, sql, list, i)
		if err != nil {
			return nil, err
		}
		if o, err = c.run(ctx, p, &Record{}); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func (c *sessionConn) one(ctx context.Context, sql string, r *Record) (*Outcome, error) {
	p, err := c.s.PrepareOnce(ctx, sql, 0)
	if err != nil {
		return nil, err
	}
	return c.run(ctx, p, r)
}

func (c *sessionConn) run(ctx context.Context, p *query.Prepared, r *Record) (*Outcome, error) {
	res, err := c.s.Run(ctx, p, make([]types.Datum, 0))
	if err != nil {
		return nil, err
	}
	if res.Copy != nil {
		if err := res.CopyFrom(ctx, strings.NewReader(inputOf(r))); err != nil {
			return nil, err
		}
		return &Outcome{Tag: res.Tag()}, nil
	}
	o := &Outcome{}
	if res.Columns != nil {
		o.Names, o.Types = []string{}, []string{}
	}
	for _, col := range res.Columns {
		o.Names = append(o.Names, col.Name)
		o.Types = append(o.Types, col.Type.Kind.Typname())
	}
	m := &rowTexts{cols: res.Columns, text: c.s.TextOptions()}
	for {
		var made exec.Made
		if c.l.c.Workers > 1 { // with several at once (debug_results_ahead)
			made, err = res.NextMade(ctx, m)
		} else {
			made, err = exec.MakeNext(ctx, res, m)
		}
		if err == io.EOF {
			o.Tag = res.Tag()
			return o, nil
		}
		if err != nil {
			return nil, err
		}
		o.Rows = append(o.Rows, made.Value.(*madeTexts).rows...)
	}
}

// rowTexts makes texts of rows.
type rowTexts struct {
	cols []plan.OutColumn
	text *types.TextOptions
}

type madeTexts struct{ rows [][]Value }

func (*madeTexts) Release() {}

// Make makes the texts of a batch.
func (m *rowTexts) Make(_ int, b *vec.Batch) (exec.Made, error) {
	x := &madeTexts{rows: make([][]Value, b.N)}
	for i := range x.rows {
		row := make([]Value, len(m.cols))
		for k, col := range m.cols {
			if d := b.BatchDatum(k, i); d.Valid {
				row[k] = Value{Text: string(types.AppendText(nil, d, col.Type, m.text)), Valid: true}
			}
		}
		x.rows[i] = row
	}
	return exec.Made{Value: x, Rows: b.N}, nil
}
