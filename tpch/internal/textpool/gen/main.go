// Command gen writes the index of the text pool to the file named by its argument.
package main

import (
	"log"
	"os"

	"github.com/laminadb/lamina/tpch/internal/textpool"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: gen FILE")
	}
	index, err := textpool.BuildIndex()
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(os.Args[1], index, 0o644); err != nil {
		log.Fatal(err)
	}
}
