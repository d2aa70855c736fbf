package versus

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/internal/cli/peer"
	"github.com/laminadb/lamina/internal/cli/tpchload"
)

// Lamina is a database in this process.
type Lamina struct {
	settings Settings
	db       *lamina.DB
	// spent is what runs of queries have spent.
	spent Spent
}

// NewLamina returns a system without a database yet.
func NewLamina(s Settings) *Lamina { return &Lamina{settings: s} }

// Name says which system this is.
func (l *Lamina) Name() string { return "Lamina" }

// DB returns the open database.
func (l *Lamina) DB() *lamina.DB { return l.db }

// Open opens the database.
func (l *Lamina) Open(context.Context) (string, error) {
	o := &lamina.Options{Workers: l.settings.Threads, MemoryBytes: l.settings.MemoryBytes}
	db, err := lamina.Open(filepath.Join(l.settings.Dir, "lamina"), o)
	if err != nil {
		return "", err
	}
	l.db = db
	return fmt.Sprintf("Lamina (this process, %s): workers=%d, memory=%.1f GiB (of storage: %.1f GiB), columnar tier, durable commits",
		runtime.Version(), l.settings.Threads, gib(l.settings.MemoryBytes), gib(db.Metrics().MemoryLimit)), nil
}

func gib(bytes int64) float64 { return float64(bytes) / (1 << 30) }

// LoadTable copies a file.
func (l *Lamina) LoadTable(ctx context.Context, t *Table, file string) (float64, error) {
	start := time.Now()
	if _, err := l.db.Exec(ctx, t.DDL(true)+" USING columnar"); err != nil {
		return 0, err
	}
	r, err := l.db.Exec(ctx, "COPY "+t.Name+" FROM "+quoted(file)+" (FORMAT csv, DELIMITER '|', QUOTE E'\\x01')")
	if err != nil {
		return 0, err
	}
	if r.RowsAffected != t.Rows {
		return 0, fmt.Errorf("%s: %d rows were copied, there are %d", t.Name, r.RowsAffected, t.Rows)
	}
	return millis(time.Since(start)), nil
}

func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

// Loaded has nothing to do: commits were durable.
func (l *Lamina) Loaded(context.Context) (float64, error) { return 0, nil }

// Run fetches rows as Arrow records, or as text where they are asked for.
func (l *Lamina) Run(ctx context.Context, text string, rows bool) (a Answer, err error) {
	if rows {
		return l.texts(ctx, text)
	}
	before := spentNow()
	defer func() { l.spent.add(spentNow().since(before)) }()
	start := time.Now()
	r, err := l.db.QueryArrow(ctx, text)
	if err != nil {
		return a, err
	}
	for r.Next() {
		a.Count += int(r.RecordBatch().NumRows())
	}
	err = r.Err()
	r.Release()
	a.Millis = millis(time.Since(start))
	return a, err
}

func (l *Lamina) texts(ctx context.Context, text string) (a Answer, err error) {
	start := time.Now()
	a.Result, err = tpchload.Fetch(ctx, l.db, text)
	a.Count, a.Millis = len(a.Rows), millis(time.Since(start))
	return a, err
}

// Peak gives free memory back first, so that what is measured next begins low.
func (l *Lamina) Peak(context.Context) (int64, error) {
	peak := peer.PeakBytes()
	debug.FreeOSMemory()
	_ = peer.PeakBytes()
	return peak, nil
}

// Close closes the database.
func (l *Lamina) Close(context.Context) error {
	db := l.db
	l.db = nil
	if db == nil {
		return nil
	}
	return db.Close()
}

// End has nothing to do.
func (l *Lamina) End() error { return nil }
