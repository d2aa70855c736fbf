package tabletest

import (
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// modelFiles are the files of the model and the bounds of their lines of code: it is to be believed by reading it.
var modelFiles = map[string]int{"model.go": 300, "model_reads.go": 50}

// TestModelIsSmall: the model stays short, and knows nothing of any storage.
func TestModelIsSmall(t *testing.T) {
	for file, linesMax := range modelFiles {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := 0
		for line := range strings.Lines(string(src)) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
				lines++
			}
		}
		if lines >= linesMax {
			t.Errorf("%s has %d lines of code, less than %d are wanted", file, lines, linesMax)
		}
		checkModelImports(t, file, src)
	}
}

func checkModelImports(t *testing.T, file string, src []byte) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, src, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	const module = "github.com/laminadb/lamina/"
	for _, i := range f.Imports {
		path := strings.Trim(i.Path.Value, `"`)
		if strings.HasPrefix(path, module) && path != module+"table" && path != module+"sqlerr" {
			t.Errorf("%s imports %s", file, path)
		}
	}
}
