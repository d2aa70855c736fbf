package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// verification is what `lamina verify --json` prints.
type verification struct {
	Directory string   `json:"directory"`
	Damages   []damage `json:"damages"`
	// More damages were found than are listed.
	More    int64         `json:"more"`
	Tables  int           `json:"tables"`
	Rows    int64         `json:"rows"`
	Sizes   fileSizes     `json:"sizes"`
	Seconds float64       `json:"seconds"`
	took    time.Duration // as Seconds
	opened  bool
}

type damage struct {
	File   string `json:"file,omitempty"`
	Offset int64  `json:"offset"`
	Object string `json:"object,omitempty"`
	Error  string `json:"error"`
}

// damagesMax bounds how many damages are listed.
const damagesMax = 1000

func newVerify() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use:   "verify DIR",
		Short: "Check every checksum and cross-reference of a directory",
		Long: "Opens the database for reading, which replays its log, and checks all of it. Each damage is\n" +
			"listed with file, offset and object. The exit code is 1 if there is any.",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			v, err := verify(c, args[0])
			if err != nil {
				return err
			}
			if asJSON {
				e := json.NewEncoder(c.OutOrStdout())
				e.SetIndent("", "  ")
				err = e.Encode(v)
			} else {
				v.print(c)
			}
			if err == nil && len(v.Damages) > 0 {
				err = &exitError{code: exitFailure}
			}
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

// verify checks a directory. Damage that keeps it from opening is a result, not an error.
func verify(c *cobra.Command, dir string) (v *verification, err error) {
	v = &verification{Directory: dir, Damages: []damage{}}
	start := time.Now()
	defer func() {
		v.took = time.Since(start)
		v.Seconds = v.took.Seconds()
	}()
	db, err := lamina.Open(dir, &lamina.Options{ReadOnly: true})
	if code := sqlerr.CodeOf(err); code == sqlerr.DataCorrupted || code == sqlerr.IndexCorrupted {
		v.Damages = append(v.Damages, damageOf(table.Damage{Err: err}))
		return v, nil
	}
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	v.opened = true
	err = db.Verify(c.Context(), func(d table.Damage) bool {
		if len(v.Damages) < damagesMax {
			v.Damages = append(v.Damages, damageOf(d))
		} else {
			v.More++
		}
		return true
	})
	if err != nil {
		return v, err
	}
	size, err := db.Storage().Size(c.Context())
	if err != nil {
		return v, err
	}
	v.Sizes = fileSizesOf(size)
	for _, t := range db.Metrics().Tiers {
		v.Tables, v.Rows = v.Tables+t.Tables, v.Rows+t.Rows
	}
	return v, nil
}

// damageOf takes file and offset from the error where the damage does not name them.
func damageOf(d table.Damage) damage {
	out := damage{File: d.File, Offset: d.Offset, Object: d.Object, Error: d.Err.Error()}
	if file, offset, ok := table.PlaceOf(d.Err); ok && out.File == "" {
		out.File, out.Offset = file, offset
	}
	return out
}

func (v *verification) print(c *cobra.Command) {
	w := c.OutOrStdout()
	for _, d := range v.Damages {
		place := d.File
		if place != "" {
			place = fmt.Sprintf("file %s, offset %d: ", place, d.Offset)
		}
		if d.Object != "" {
			place += d.Object + ": "
		}
		text := d.Error
		if _, reason, named := strings.Cut(text, fmt.Sprintf("%s is damaged at offset %d: ", d.File, d.Offset)); named {
			text = reason
		}
		fmt.Fprintf(w, "DAMAGE: %s%s\n", place, text)
	}
	if v.More > 0 {
		fmt.Fprintf(w, "and %s more\n", countText(v.More))
	}
	found := "no damage"
	if n := int64(len(v.Damages)) + v.More; n > 0 {
		found = countOf(n, "damage")
	}
	if !v.opened {
		fmt.Fprintf(w, "%s: the database cannot be opened; what lies behind the damage was not checked\n", found)
		return
	}
	fmt.Fprintf(w, "%s; checked in %s: %s of log, %s of snapshots, %s of segments, %s of LSM tables, %s of other files; "+
		"%s with %s\n",
		found, seconds3(v.took), bytesText(v.Sizes.Log), bytesText(v.Sizes.Snapshots), bytesText(v.Sizes.Segments), bytesText(v.Sizes.LSM),
		bytesText(v.Sizes.Other), countOf(int64(v.Tables), "table"), countOf(v.Rows, "row"))
}
