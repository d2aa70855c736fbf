package main

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/signal"

	"github.com/spf13/cobra"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/cmd/lamina/shell"
)

type sqlFlags struct {
	openFlags
	commands []string
	format   string
	goOn     bool
	readOnly bool
}

func newSQL() *cobra.Command {
	var o sqlFlags
	c := &cobra.Command{
		Use:   "sql [DIR]",
		Short: "Run SQL on the database in a directory, or in memory without one",
		Long: "Runs the statements given with -c, each -c as one transaction unless it says BEGIN, or else those that\n" +
			"are read from standard input, one by one. Without -c and with a terminal as input there is a prompt.\n" +
			"Errors go to standard error with their SQLSTATE. A statement that fails ends the run with exit code 3.",
		Example: "  lamina sql data -c 'SELECT count(*) FROM orders'\n" +
			"  lamina sql data --format csv < report.sql > report.csv",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			dir := ""
			if len(args) > 0 {
				dir = args[0]
			}
			return runSQL(c, dir, &o)
		},
	}
	f := c.Flags()
	f.StringArrayVarP(&o.commands, "command", "c", nil, "statements to run; may be repeated")
	f.StringVar(&o.format, "format", string(shell.Aligned), "aligned, csv or json")
	f.BoolVar(&o.goOn, "continue", false, "go on after a statement that failed, and exit with 0")
	f.BoolVar(&o.readOnly, "read-only", false, "open the database for reading")
	o.add(f)
	return c
}

func runSQL(c *cobra.Command, dir string, o *sqlFlags) (err error) {
	format, err := shell.ParseFormat(o.format)
	if err = errors.Join(err, o.check()); err != nil {
		return &exitError{exitUsage, err}
	}
	opts := o.options()
	opts.ReadOnly = o.readOnly
	db, err := lamina.Open(dir, opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	in := c.InOrStdin()
	person := personAt(in, c.OutOrStdout())
	if person != nil && len(o.commands) == 0 {
		in = person
	}
	sh, err := shell.New(db.Engine(), shell.Options{
		Format: format, Continue: o.goOn, Out: c.OutOrStdout(), Err: c.ErrOrStderr(), In: bufio.NewReader(in),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sh.Close()) }()
	err = o.run(c, sh, person)
	if errors.Is(err, shell.ErrStatement) {
		return &exitError{code: exitStatement}
	}
	return err
}

// personAt returns an editor if input and output are a terminal, or else nil.
func personAt(in, out any) *editor {
	if !isTerminal(in) || !isTerminal(out) {
		return nil
	}
	return newEditor(in.(*os.File), out.(*os.File))
}

func (o *sqlFlags) run(c *cobra.Command, sh *shell.Shell, person *editor) error {
	if len(o.commands) == 0 {
		if person != nil {
			return prompt(sh, person)
		}
		return sh.RunInput(c.Context())
	}
	for _, text := range o.commands {
		if err := sh.Run(c.Context(), text); err != nil && (!o.goOn || !errors.Is(err, shell.ErrStatement)) {
			return err
		}
	}
	return nil
}

// prompt talks to a person: an interrupt ends the running statement, not the program.
func prompt(sh *shell.Shell, person *editor) error {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	done := make(chan struct{})
	defer close(done)
	defer signal.Stop(interrupts)
	go func() {
		for {
			select {
			case <-interrupts:
				sh.Cancel()
			case <-done:
				return
			}
		}
	}()
	return sh.Prompt(context.Background(), person)
}
