package tabletest

import (
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// linesMax bounds the model's lines of code: it is to be believed by reading it.
const linesMax = 300

// TestModelIsSmall: the model stays short, and knows nothing of any storage.
func TestModelIsSmall(t *testing.T) {
	src, err := os.ReadFile("model.go")
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
		t.Errorf("the model has %d lines of code, less than %d are wanted", lines, linesMax)
	}
	f, err := parser.ParseFile(token.NewFileSet(), "model.go", src, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	const module = "github.com/laminadb/lamina/"
	for _, i := range f.Imports {
		path := strings.Trim(i.Path.Value, `"`)
		if strings.HasPrefix(path, module) && path != module+"table" && path != module+"sqlerr" {
			t.Errorf("the model imports %s", path)
		}
	}
}
