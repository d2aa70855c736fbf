package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// grid returns a table writer in the program's style, with the numbers of the given columns (from
// 1) to the right.
func grid(header table.Row, right ...int) table.Writer {
	t := table.NewWriter()
	style := table.StyleLight
	style.Format.Header, style.Format.Footer = text.FormatDefault, text.FormatDefault
	style.Options.DrawBorder, style.Options.SeparateColumns = false, false
	t.SetStyle(style)
	t.AppendHeader(header)
	var configs []table.ColumnConfig
	for _, n := range right {
		configs = append(configs, table.ColumnConfig{
			Number: n, Align: text.AlignRight, AlignHeader: text.AlignRight, AlignFooter: text.AlignRight,
		})
	}
	t.SetColumnConfigs(configs)
	return t
}

// print shows an inspection to a person.
func (i *inspection) print(w io.Writer) error {
	var b strings.Builder
	z := i.Sizes
	fmt.Fprintf(&b, "Directory %s: %s in files (log %s, snapshots %s, segments %s, LSM tables %s, other %s), at LSN %d\n\n",
		i.Directory, bytesText(z.Log+z.Snapshots+z.Segments+z.LSM+z.Other), bytesText(z.Log), bytesText(z.Snapshots),
		bytesText(z.Segments), bytesText(z.LSM), bytesText(z.Other), i.LSN)
	i.printTables(&b)
	i.printSections(&b)
	if c := i.Checkpoint; c == nil {
		b.WriteString("Checkpoint: none yet\n")
	} else {
		fmt.Fprintf(&b, "Checkpoint: LSN %d%s, %s; the log is replayed from %s\n",
			c.LSN, after(", of ", c.Time), bytesText(c.Bytes), c.Position)
		for _, name := range c.sortedTiers() {
			fmt.Fprintf(&b, "  tier %s is durable up to LSN %d without the log\n", name, c.Tiers[name])
		}
	}
	i.Log.print(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func after(before, s string) string {
	if s == "" {
		return ""
	}
	return before + s
}

func (i *inspection) printTables(b *strings.Builder) {
	if len(i.Tables) == 0 {
		b.WriteString("No tables\n\n")
	} else {
		t := grid(table.Row{"schema", "table", "tier", "columns", "primary key", "rows"}, 4, 6)
		for _, x := range i.Tables {
			t.AppendRow(table.Row{x.Schema, x.Name, x.Tier, x.Columns, strings.Join(x.PrimaryKey, ", "), countText(x.Rows)})
		}
		b.WriteString(t.Render() + "\n\n")
	}
	t := grid(table.Row{"tier", "tables", "rows", "dead rows", "memory", "indexes", "snapshots", "files"}, 2, 3, 4, 5, 6, 7, 8)
	for _, x := range i.Tiers {
		t.AppendRow(table.Row{x.Name, x.Tables, countText(x.Rows), countText(x.DeadRows), bytesText(x.MemoryBytes),
			bytesText(x.IndexBytes), bytesText(x.SnapshotBytes), bytesText(x.FileBytes)})
	}
	b.WriteString(t.Render() + "\n\n")
}

func (l *inspectedLog) print(b *strings.Builder) {
	end := "it was not closed: what follows a crash is replayed"
	if l.ClosedClean {
		end = "it was closed cleanly"
	}
	lsns := "no LSN"
	if l.LastLSN > 0 {
		lsns = fmt.Sprintf("LSN %d to %d", l.FirstLSN, l.LastLSN)
	}
	fmt.Fprintf(b, "Log: %s, %s, %s, %s; %s\n",
		countOf(int64(len(l.Files)), "file"), bytesText(l.Bytes), countOf(l.Records, "record"), lsns, end)
	t := grid(table.Row{"file", "epoch", "size", "used", "records"}, 2, 3, 4, 5)
	for _, f := range l.Files {
		t.AppendRow(table.Row{f.Name, f.Epoch, bytesText(f.Bytes), bytesText(int64(f.Used)), countText(f.Records)})
	}
	b.WriteString(t.Render() + "\n")
	if len(l.Ready) > 0 {
		fmt.Fprintf(b, "Files ready for use: %d, %s\n", len(l.Ready), bytesText(l.ReadyBytes))
	}
}
