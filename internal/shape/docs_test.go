package shape

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	testName    = regexp.MustCompile(`\b((?:Test|Fuzz|Example)[A-Z]\w*)(…)?`)
	testCommand = regexp.MustCompile("`(go test [^`]*)`")
	testRun     = regexp.MustCompile(`^go test(?: -run ('[^']*'|\S+))?((?: \.\S*)+)$`)
	filePath    = regexp.MustCompile("`([a-z][\\w.]*(?:/[\\w*]+)*\\.(?:go|py|md))`")
)

// TestDocsNameWhatExists: the tests, files and commands that README.md and docs name are there.
func TestDocsNameWhatExists(t *testing.T) {
	root := filepath.Join("..", "..")
	tests := testNames(t)
	names, commands, files := 0, 0, 0
	for _, doc := range documents(t, root) {
		b, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		// Commands name tests by regular expressions, see checkCommand.
		for _, m := range testName.FindAllStringSubmatch(testCommand.ReplaceAllString(text, ""), -1) {
			names++
			if !someTest(tests, func(name string) bool { return name == m[1] || m[2] != "" && strings.HasPrefix(name, m[1]) }) {
				t.Errorf("%s: there is no test %s", doc, m[0])
			}
		}
		for _, m := range testCommand.FindAllStringSubmatch(text, -1) {
			for c := range strings.SplitSeq(m[1], " && ") {
				commands++
				checkCommand(t, tests, doc, c)
			}
		}
		for _, m := range filePath.FindAllStringSubmatch(text, -1) {
			files++
			here, _ := filepath.Glob(filepath.Join(filepath.Dir(doc), filepath.FromSlash(m[1])))
			above, _ := filepath.Glob(filepath.Join(root, filepath.FromSlash(m[1])))
			if len(here)+len(above) == 0 {
				t.Errorf("%s: there is no file %s", doc, m[1])
			}
		}
	}
	if names < 120 || commands < 25 || files < 80 {
		t.Errorf("only %d tests, %d commands and %d files are named", names, commands, files)
	}
}

func documents(t *testing.T, root string) []string {
	t.Helper()
	docs := []string{filepath.Join(root, "README.md")}
	for _, dir := range []string{"docs", filepath.Join("docs", "format")} {
		more, err := filepath.Glob(filepath.Join(root, dir, "*.md"))
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, more...)
	}
	return docs
}

// testNames returns the names of tests, fuzz targets and examples by package.
func testNames(t *testing.T) map[string][]string {
	t.Helper()
	tests := map[string][]string{}
	for _, f := range goFiles(t) {
		if !strings.HasSuffix(f.path, "_test.go") {
			continue
		}
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && testName.MatchString(fn.Name.Name) {
				tests[f.pkg] = append(tests[f.pkg], fn.Name.Name)
			}
		}
	}
	return tests
}

func someTest(tests map[string][]string, match func(name string) bool) bool {
	for _, names := range tests {
		if slices.ContainsFunc(names, match) {
			return true
		}
	}
	return false
}

// checkCommand checks that "go test [-run NAMES] PACKAGE…" runs something in each package. Commands with other flags are passed over.
func checkCommand(t *testing.T, tests map[string][]string, doc, command string) {
	t.Helper()
	m := testRun.FindStringSubmatch(command)
	if m == nil {
		return
	}
	run, _, _ := strings.Cut(strings.ReplaceAll(strings.Trim(m[1], "'"), `\|`, "|"), "/")
	match, err := regexp.Compile(run)
	if err != nil {
		t.Errorf("%s: %s: %v", doc, command, err)
		return
	}
	for p := range strings.FieldsSeq(m[2]) {
		folder, all := strings.CutSuffix(p, "...")
		folder = strings.Trim(strings.TrimPrefix(folder, "."), "/")
		found := false
		for pkg, names := range tests {
			if pkg == folder || all && (folder == "" || strings.HasPrefix(pkg+"/", folder+"/")) {
				found = found || slices.ContainsFunc(names, match.MatchString)
			}
		}
		if !found {
			t.Errorf("%s: %s runs nothing in %s", doc, command, p)
		}
	}
}
