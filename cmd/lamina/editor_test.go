package main

import (
	"bufio"
	"io"
	"os"
	"testing"
)

// The editor takes no more than a line at a time, so that what follows a COPY that is pasted is its data.
func TestEditorTakesLines(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := w.WriteString("COPY t FROM STDIN;\r1\ttwo\r\\.\rSELECT 1;\r"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	e := newEditor(r, os.Stdout)
	p := make([]byte, 256)
	if n, err := (keys{e}).Read(p); err != nil || string(p[:n]) != "COPY t FROM STDIN;\r" {
		t.Errorf("%q, %v", p[:n], err)
	}
	data := bufio.NewReader(e)
	for _, want := range []string{"1\ttwo\n", "\\.\n"} {
		if line, err := data.ReadString('\n'); err != nil || line != want {
			t.Errorf("%q, %v", line, err)
		}
	}
	if data.Buffered() != 0 {
		t.Errorf("%d bytes of the next statement were read", data.Buffered())
	}
	if n, err := (keys{e}).Read(p[:4]); err != nil || string(p[:n]) != "SELE" {
		t.Errorf("%q, %v", p[:n], err)
	}
	if n, err := (keys{e}).Read(p); err != nil || string(p[:n]) != "CT 1;\r" {
		t.Errorf("%q, %v", p[:n], err)
	}
	if _, err := (keys{e}).Read(p); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}
