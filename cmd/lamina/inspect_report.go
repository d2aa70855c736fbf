package main

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	storage "github.com/laminadb/lamina/table"
)

// inspectedPart is a section of the storage's report.
type inspectedPart struct {
	Title string `json:"title"`
	// Rows have a value for each column, by its name.
	Rows    []map[string]any `json:"rows"`
	section storage.ReportSection
}

func (i *inspection) report(list []storage.ReportSection) {
	i.Sections = []inspectedPart{}
	for _, s := range list {
		p := inspectedPart{Title: s.Title, section: s}
		for _, r := range s.Rows {
			row := map[string]any{}
			for k, c := range s.Columns {
				name := strings.ReplaceAll(c.Name, " ", "_")
				if c.Unit == storage.ReportBytes {
					name += "_bytes"
				}
				row[name] = r[k]
			}
			p.Rows = append(p.Rows, row)
		}
		i.Sections = append(i.Sections, p)
	}
}

// printSections prints each section as a table.
func (i *inspection) printSections(b *strings.Builder) {
	for _, p := range i.Sections {
		var header table.Row
		var right []int
		for k, c := range p.section.Columns {
			header = append(header, c.Name)
			if c.Unit != storage.ReportText {
				right = append(right, k+1)
			}
		}
		t := grid(header, right...)
		for _, r := range p.section.Rows {
			var row table.Row
			for k, v := range r {
				switch n, isNumber := v.(int64); {
				case !isNumber:
					row = append(row, v)
				case p.section.Columns[k].Unit == storage.ReportBytes:
					row = append(row, bytesText(n))
				default:
					row = append(row, countText(n))
				}
			}
			t.AppendRow(row)
		}
		fmt.Fprintf(b, "%s\n%s\n\n", p.Title, t.Render())
	}
}
