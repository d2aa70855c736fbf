package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// campaignMax is how long random queries may take to find a planted bug.
const campaignMax = 2 * time.Minute

// planted are bugs of joins, subqueries, aggregation, sets and order that random queries compared with PostgreSQL must find.
var planted = []string{
	"join-null-matches", "join-loses-unmatched", "opt-not-in-is-anti", "opt-count-bug", "opt-on-is-where", "opt-outer-is-inner", "limit-off-by-one",
	"sort-ignores-nulls-first", "bind-union-all-is-union", "opt-distinct-lost", "except-all-forgets-counts", "opt-group-of-many", "opt-null-references",
}

// huntPlanted plants each bug, and demands that random queries of new seeds find a difference from the server in time.
func huntPlanted(server string, only []string) error {
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // temporary files
	const pkg = "internal/logictest"
	bin := filepath.Join(dir, "logictest.test")
	if err := compile(pkg, bin); err != nil {
		return err
	}
	list := planted
	if len(only) > 0 {
		list = only
	}
	missed := 0
	for i, name := range list {
		began := time.Now()
		found, out := hunt(pkg, bin, server, name, i+1)
		if !found {
			missed++
			fmt.Printf("%-32s NOT FOUND in %.1f s\n%s\n", name, time.Since(began).Seconds(), tail(out))
			continue
		}
		fmt.Printf("%-32s found in %.1f s\n", name, time.Since(began).Seconds())
	}
	fmt.Printf("%d of %d planted bugs found within %s each\n", len(list)-missed, len(list), campaignMax)
	if missed > 0 {
		return fmt.Errorf("%d planted bugs were not found", missed)
	}
	return nil
}

// hunt runs random queries with a bug until they find a difference.
func hunt(pkg, bin, server, name string, seed int) (bool, string) {
	ctx, cancel := context.WithTimeout(context.Background(), campaignMax)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin, "-test.run", "^TestRandomOracle$", "-test.v", "-oracle", server, "-campaign", campaignMax.String(),
		"-seed", fmt.Sprint(9000+seed))
	cmd.Dir = pkg
	cmd.Env = append(os.Environ(), "LAMINA_MUTANT="+name)
	out, err := cmd.CombinedOutput()
	return err != nil && strings.Contains(string(out), "a difference after"), string(out)
}
