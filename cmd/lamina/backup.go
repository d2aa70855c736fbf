package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/table"
)

// backupResult is what `lamina backup --json` prints.
type backupResult struct {
	Directory string        `json:"directory"`
	LSN       table.LSN     `json:"lsn"`
	Files     int           `json:"files"`
	Linked    int           `json:"linked_files"`
	Bytes     int64         `json:"bytes"`
	Seconds   float64       `json:"seconds"`
	Verified  *verification `json:"verified,omitempty"`
	took      time.Duration // as Seconds
}

func newBackup() *cobra.Command {
	asJSON, check, quiet := false, true, false
	c := &cobra.Command{
		Use:   "backup DIR DEST",
		Short: "Copy a directory into a new one that can be opened",
		Long: "Opens the database in DIR for reading and copies it to DEST, which must be empty or not exist. Files that\n" +
			"never change are hard links where the file system can. The copy is verified then. To restore it, use it, or a\n" +
			"copy of it, in the place of DIR. A program that has DIR open makes backups itself: with DB.Backup.",
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := backUp(c, args[0], args[1], quiet || asJSON)
			if err != nil {
				return err
			}
			if check {
				if r.Verified, err = verify(c, args[1]); err != nil {
					return fmt.Errorf("verification of the backup: %w", err)
				}
			}
			if asJSON {
				e := json.NewEncoder(c.OutOrStdout())
				e.SetIndent("", "  ")
				err = e.Encode(r)
			} else {
				r.print(c)
			}
			if err == nil && r.Verified != nil && len(r.Verified.Damages) > 0 {
				err = &exitError{code: exitFailure}
			}
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	c.Flags().BoolVar(&check, "verify", true, "verify the copy")
	c.Flags().BoolVarP(&quiet, "quiet", "q", false, "show no progress")
	return c
}

// backUp makes the backup, with a bar that shows how far it is.
func backUp(c *cobra.Command, dir, dest string, quiet bool) (r *backupResult, err error) {
	start := time.Now()
	db, err := lamina.Open(dir, &lamina.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var report func(int64)
	end := func() {}
	defer func() { end() }()
	made, err := db.BackupWith(c.Context(), dest, table.BackupOptions{Progress: func(done, total int64) {
		if report == nil {
			report, end = newBars(c.ErrOrStderr(), quiet).begin("backup", "B", total)
		}
		report(done)
	}})
	r = &backupResult{Directory: dest, LSN: made.LSN, Files: made.Files, Linked: made.Linked, Bytes: made.Bytes, took: time.Since(start)}
	r.Seconds = r.took.Seconds()
	return r, err
}

func (r *backupResult) print(c *cobra.Command) {
	w := c.OutOrStdout()
	if r.Verified != nil {
		r.Verified.print(c)
	}
	fmt.Fprintf(w, "Backup %s: LSN %d, %s (%s linked), %s, %s\n",
		r.Directory, r.LSN, countOf(int64(r.Files), "file"), countText(int64(r.Linked)), bytesText(r.Bytes), seconds3(r.took))
}
