// Package child runs parts of a benchmark in processes of their own: what is killed, and what is measured as a
// process.
//
// The program that a child runs is the one that started it. Its main function, like TestMain of tests, calls Run
// first.
package child

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

// variable names the part in the environment of a child.
const variable = "LAMINA_BENCH_CHILD"

// Part is what a child does; args are those that Command was given.
type Part func(ctx context.Context, args []string) error

// Run runs the part that this process was started for and ends the process; it returns if it is no child.
func Run(parts map[string]Part) {
	name, ok := os.LookupEnv(variable)
	if !ok {
		return
	}
	part, ok := parts[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "there is no part %q\n", name)
		os.Exit(2)
	}
	if err := part(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Command returns a child that is to run a part. It is killed when ctx ends.
func Command(ctx context.Context, part string, args ...string) (*exec.Cmd, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := exec.CommandContext(ctx, program, args...)
	c.Env = append(os.Environ(), variable+"="+part)
	c.Stderr = os.Stderr
	return c, nil
}
