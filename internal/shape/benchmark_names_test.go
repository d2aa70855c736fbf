package shape

import (
	"go/ast"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/laminadb/lamina/tpch"
)

// benchmarkOwners are the packages that know benchmarks: they make their data, run their queries, or measure.
var benchmarkOwners = []string{"tpch", "cmd", "internal/cli"}

// benchmarkWords matches the names of columns of TPC-H and of SSB, and those of their tables that are no common words.
func benchmarkWords() (words *regexp.Regexp, tables map[string]bool) {
	names := []string{"lineitem", "partsupp", "lineorder", "lo_[a-z]+"}
	tables = map[string]bool{}
	for _, t := range tpch.Tables() {
		tables[strings.ToLower(t.Name())] = true
		for _, c := range t.Columns() {
			names = append(names, c.Name)
		}
	}
	return regexp.MustCompile(`(?i)\b(` + strings.Join(names, "|") + `)\b`), tables
}

// TestNothingKnowsABenchmark: the engine has no table or column of a benchmark in an identifier or a literal, so that
// none of its paths can be there for one.
func TestNothingKnowsABenchmark(t *testing.T) {
	words, tables := benchmarkWords()
	checked := 0
	for _, f := range goFiles(t) {
		if strings.HasSuffix(f.path, "_test.go") || ownsBenchmarks(f.pkg) {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			text, whole := "", ""
			switch n := n.(type) {
			case *ast.Ident:
				text = n.Name
			case *ast.BasicLit:
				text = n.Value
				whole, _ = strconv.Unquote(n.Value)
			default:
				return true
			}
			checked++
			if w := words.FindString(text); w != "" || tables[strings.ToLower(whole)] {
				t.Errorf("%s: %s is a benchmark's", f.fset.Position(n.Pos()), text)
			}
			return true
		})
	}
	if checked < 200_000 {
		t.Errorf("only %d words were looked at", checked)
	}
	for _, path := range assembly(t) {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if w := words.Find(src); w != nil {
			t.Errorf("%s: %s is a benchmark's", path, w)
		}
	}
}

func ownsBenchmarks(pkg string) bool {
	for _, o := range benchmarkOwners {
		if pkg == o || strings.HasPrefix(pkg, o+"/") {
			return true
		}
	}
	return false
}

// assembly returns the module's assembly files.
func assembly(t *testing.T) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(filepath.Join("..", ".."), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".s") {
			list = append(list, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}
