// Command mutants breaks the rules of the engine one at a time and demands that the test that guards each of them
// fails. A mutant is a run-time switch of invariants builds (see package internal/invariants); the tests are
// compiled once a package.
//
//	go run ./internal/mutants [NAME ...]
//	go run ./internal/mutants -campaign postgres://user@host:port/postgres [NAME ...]
//	                       plants bugs one at a time, which random queries, compared with PostgreSQL 18, must find
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// testTimeout bounds one run of a guarding test.
const testTimeout = 6 * time.Minute

// mutant is a rule that can be broken, and the test that must notice.
type mutant struct {
	name string // of invariants.Mutant
	pkg  string // package of the test, relative to the module
	test string // name of the test function, or of a subtest with slashes
}

func main() {
	campaign := flag.String("campaign", "", "postgres://… of a PostgreSQL 18 server with which random queries are compared")
	flag.Parse()
	work := run
	if *campaign != "" {
		work = func(only []string) error { return huntPlanted(*campaign, only) }
	}
	if err := work(flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// atOnce is how many mutants are tried at the same time: their tests mostly wait, or keep one core busy.
const atOnce = 2

// outcome is what became of a mutant.
type outcome struct {
	dead bool
	why  string
}

func run(only []string) error {
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // temporary files
	h := &hunter{dir: dir, binaries: map[string]func() (string, error){}, clean: map[string]func() (string, bool){}}
	chosen := slices.DeleteFunc(slices.Clone(mutants), func(m mutant) bool { return len(only) > 0 && !slices.Contains(only, m.name) })
	outcomes := make([]chan outcome, len(chosen))
	free := make(chan struct{}, atOnce)
	for i := range outcomes {
		outcomes[i] = make(chan outcome, 1)
	}
	go func() {
		for i, m := range chosen {
			free <- struct{}{}
			go func() {
				dead, why := h.kill(m)
				outcomes[i] <- outcome{dead, why}
				<-free
			}()
		}
	}()
	var survived []string
	killed := 0
	for i, m := range chosen {
		o := <-outcomes[i]
		fmt.Printf("%-32s %-16s %-44s %s\n", m.name, m.pkg, m.test, o.why)
		if o.dead {
			killed++
		} else {
			survived = append(survived, m.name)
		}
	}
	fmt.Printf("%d mutants killed, %d survived\n", killed, len(survived))
	if len(survived) > 0 {
		return fmt.Errorf("survivors: %s", strings.Join(survived, ", "))
	}
	if killed == 0 || len(only) == 0 && killed < mutantsMin {
		return fmt.Errorf("only %d mutants were tried, at least %d are wanted", killed, mutantsMin)
	}
	return nil
}

// hunter compiles the tests of each package once, and runs each test once without a mutant.
type hunter struct {
	dir      string
	mu       sync.Mutex
	binaries map[string]func() (string, error)
	clean    map[string]func() (string, bool)
}

// binary returns the compiled tests of a package.
func (h *hunter) binary(pkg string) (string, error) {
	h.mu.Lock()
	f, ok := h.binaries[pkg]
	if !ok {
		f = sync.OnceValues(func() (string, error) {
			bin := filepath.Join(h.dir, strings.ReplaceAll(pkg, "/", "_")+".test")
			return bin, compile(pkg, bin)
		})
		h.binaries[pkg] = f
	}
	h.mu.Unlock()
	return f()
}

// passes runs a mutant's test without the mutant, when it must pass and run something.
func (h *hunter) passes(m mutant, bin string) (string, bool) {
	key := m.pkg + " " + m.test
	h.mu.Lock()
	f, ok := h.clean[key]
	if !ok {
		f = sync.OnceValues(func() (string, bool) {
			out, err := test(m, bin, "")
			return out, err == nil && strings.Contains(out, "--- PASS: "+m.test)
		})
		h.clean[key] = f
	}
	h.mu.Unlock()
	return f()
}

func compile(pkg, bin string) error {
	cmd := exec.Command("go", "test", "-c", "-tags", "lamina_invariants", "-o", bin, "./"+pkg)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

// triesMax is how often a test may run with a mutant before it counts as surviving: what goes wrong between goroutines
// does not go wrong each time.
const triesMax = 5

// kill runs a mutant's test without the mutant, when it must pass, and with it, when it must fail.
func (h *hunter) kill(m mutant) (bool, string) {
	began := time.Now()
	bin, err := h.binary(m.pkg)
	if err != nil {
		return false, "NOT PROVEN: the tests cannot be compiled: " + err.Error()
	}
	if out, ok := h.passes(m, bin); !ok {
		return false, "NOT PROVEN: the test does not pass without the mutant\n" + tail(out)
	}
	for try := 0; ; try++ {
		if _, err := test(m, bin, m.name); err != nil {
			break
		}
		if try < triesMax-1 {
			continue
		}
		return false, "SURVIVED"
	}
	return true, fmt.Sprintf("killed in %.1f s", time.Since(began).Seconds())
}

func test(m mutant, bin, name string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	var parts []string
	for _, p := range strings.Split(m.test, "/") {
		parts = append(parts, "^"+p+"$")
	}
	cmd := exec.CommandContext(ctx, bin, "-test.run", strings.Join(parts, "/"), "-test.v", "-test.timeout", testTimeout.String())
	cmd.Dir = m.pkg
	cmd.Env = append(os.Environ(), "LAMINA_MUTANT="+name)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func tail(out string) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}
