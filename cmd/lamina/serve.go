package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/server"
	"github.com/laminadb/lamina/sqlerr"
)

type serveFlags struct {
	openFlags
	storage     storageFlags
	listen      string
	inMemory    bool
	copyFiles   bool
	readOnly    bool
	connections int
}

func newServe() *cobra.Command {
	var o serveFlags
	c := &cobra.Command{
		Use:   "serve [DIR]",
		Short: "Serve the database in a directory to PostgreSQL clients",
		Long: "Serves PostgreSQL's wire protocol on a loopback address: there is no authentication yet. The address is\n" +
			"printed once clients can connect. An interrupt or SIGTERM ends statements, transactions and connections,\n" +
			"and closes the database.",
		Example: "  lamina serve data\n  psql -h 127.0.0.1 -U lamina",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			dir := ""
			if len(args) > 0 {
				dir = args[0]
			}
			if o.inMemory == (dir != "") {
				return &exitError{exitUsage, errors.New("give either a directory or --memory")}
			}
			err := errors.Join(o.check(), o.storage.check(dir != ""))
			if o.connections < 0 {
				err = errors.Join(err, fmt.Errorf("--connections %d: must not be negative", o.connections))
			}
			if err != nil {
				return &exitError{exitUsage, err}
			}
			return runServe(c, dir, &o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:5432", "address to listen on; port 0 picks a free one")
	f.BoolVar(&o.inMemory, "memory", false, "serve a database in memory, gone at the end")
	f.BoolVar(&o.copyFiles, "copy-files", false, "let clients COPY from files that this program can read")
	f.BoolVar(&o.readOnly, "read-only", false, "open the database for reading")
	f.IntVar(&o.connections, "connections", 0, "connections at most (default 100)")
	o.add(f)
	o.storage.add(f)
	return c
}

func runServe(c *cobra.Command, dir string, o *serveFlags) (err error) {
	opts := o.options()
	opts.ReadOnly, opts.Storage = o.readOnly, o.storage.config()
	opts.Files = noFiles{}
	if o.copyFiles {
		opts.Files = allFiles{}
	}
	// The address first: a port that is taken should not wait for a recovery.
	ln, err := server.Listen(o.listen)
	if err != nil {
		return err
	}
	db, err := lamina.Open(dir, opts)
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	srv := server.New(db.Engine(), server.Options{
		ConnectionsMax: o.connections, Files: opts.Files,
		Logger: slog.New(slog.NewTextHandler(c.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	what := dir
	if what == "" {
		what = "a database in memory"
	}
	fmt.Fprintf(c.OutOrStdout(), "serving %s on %s\n", what, ln.Addr())
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	select {
	case err := <-served:
		return errors.Join(err, srv.Close())
	case <-c.Context().Done():
	}
	fmt.Fprintln(c.OutOrStdout(), "shutting down")
	return errors.Join(srv.Close(), <-served)
}

// allFiles opens every file that the program may read.
type allFiles struct{}

// Open opens a file.
func (allFiles) Open(name string) (io.ReadCloser, error) { return os.Open(name) }

// Create opens a file for writing and empties it, or makes it.
func (allFiles) Create(name string) (io.WriteCloser, error) { return os.Create(name) }

// noFiles opens none.
type noFiles struct{}

var errNoFiles = sqlerr.New(sqlerr.InsufficientPrivilege, "the server was started without --copy-files")

// Open refuses.
func (noFiles) Open(string) (io.ReadCloser, error) { return nil, errNoFiles }
