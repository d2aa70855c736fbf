package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/laminadb/lamina"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of the program and of the toolchain that built it",
		Args:  cobra.NoArgs,
		Run: func(c *cobra.Command, _ []string) {
			fmt.Fprintf(c.OutOrStdout(), "lamina %s %s %s/%s\n",
				lamina.Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
		},
	}
}
