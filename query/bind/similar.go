package bind

import "fmt"

// fuzzyDistanceMax is how many edits a hinted column name may differ by, as in PostgreSQL.
const fuzzyDistanceMax = 3

// similarColumn returns the hint of an unknown column: the one or two nearest names in sight.
func (s *scope) similarColumn(rel, name string) string {
	best := fuzzyDistanceMax + 1
	var nearest []string
	for level := s; level != nil; level = level.outer {
		for _, it := range level.items {
			if !it.nameVisible && it.kind != itemJoin {
				continue
			}
			if it.kind == itemJoin && it.scan == nil && it.name == "" {
				continue
			}
			penalty := 0
			if rel != "" && it.name != rel {
				penalty = editDistance(it.name, rel)
			}
			for i := range it.cols {
				d := editDistance(it.cols[i].name, name) + penalty
				switch full := it.name + "." + it.cols[i].name; {
				case d > best || d > fuzzyDistanceMax:
				case d < best:
					best, nearest = d, []string{full}
				default:
					nearest = append(nearest, full)
				}
			}
		}
	}
	if best > len(name)/2 {
		return ""
	}
	switch len(nearest) {
	case 1:
		return fmt.Sprintf("Perhaps you meant to reference the column \"%s\".", nearest[0])
	case 2:
		return fmt.Sprintf("Perhaps you meant to reference the column \"%s\" or the column \"%s\".", nearest[0], nearest[1])
	}
	return ""
}

// editDistance is the Levenshtein distance of two names; names much longer than any column's are far.
func editDistance(a, b string) int {
	if len(a) > 255 || len(b) > 255 {
		return fuzzyDistanceMax + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
