// Command lamina is the program of the database: it serves a directory to PostgreSQL clients, runs
// SQL, inspects and verifies directories, and runs the TPC-H queries on data of its own with their
// answers checked.
//
// Exit codes: 0 success; 1 failure, a wrong answer, or damage found; 2 wrong usage; 3 a statement
// of `lamina sql` failed.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/cmd/lamina/shell"
	"github.com/laminadb/lamina/sqlerr"
)

// Exit codes.
const (
	exitFailure   = 1
	exitUsage     = 2
	exitStatement = 3
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// exitError ends the program with a code; the reason has been printed if err is nil.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// run is the program; it returns the exit code.
func run(args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer context.AfterFunc(ctx, stop)() // a second interrupt ends the program at once
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	code := exitFailure
	if text, unknown := strings.CutPrefix(err.Error(), "unknown command "); unknown { // cobra has no type for it
		code, err = exitUsage, errors.New("unknown command "+strings.TrimSpace(text))
	}
	if e, ok := errors.AsType[*exitError](err); ok {
		if code, err = e.code, e.err; err == nil {
			return code
		}
	}
	if ctx.Err() != nil && sqlerr.CodeOf(err) == sqlerr.QueryCanceled {
		err = errors.New("interrupted")
	}
	shell.PrintError(errOut, err, "")
	return code
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "lamina",
		Short: "An embeddable HTAP table store: SQL, server, and tools",
		Long: "Lamina keeps transactional writes and analytical queries on the same fresh data, in one directory,\n" +
			"in PostgreSQL's dialect. This program serves such a directory, runs SQL on it, and looks after it.",
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       lamina.Version(),
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		text := parseNoise.ReplaceAllString(err.Error(), "")
		return &exitError{exitUsage, fmt.Errorf("%s; see %s --help", text, c.CommandPath())}
	})
	root.AddCommand(newTPCH(), newBench(), newSQL(), newServe(), newInspect(), newVerify(), newBackup(), newMigrate(), newVersion())
	for _, c := range root.Commands() {
		wrapArgs(c)
	}
	return root
}

// parseNoise is what strconv says in front of what is wrong with a flag's value.
var parseNoise = regexp.MustCompile(`strconv\.\w+: parsing ".*": `)

// wrapArgs gives a wrong number of arguments the exit code of wrong usage.
func wrapArgs(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return &exitError{exitUsage, fmt.Errorf("%w; see %s --help", err, c.CommandPath())}
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		wrapArgs(sub)
	}
}
