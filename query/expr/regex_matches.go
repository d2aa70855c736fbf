package expr

import (
	"regexp"
	"regexp/syntax"
	"unicode/utf8"

	"github.com/laminadb/lamina/sqlerr"
)

// allMatches returns the bounds of up to limit matches (-1: all) with those of their groups. Unlike Go's own
// search, and as PostgreSQL's, it finds an empty match right behind another one.
func allMatches(re *regexp.Regexp, s string, limit int) ([][]int, error) {
	tree, err := syntax.Parse(re.String(), syntax.Perl)
	if err != nil || !canBeEmpty(tree) {
		return re.FindAllStringSubmatchIndex(s, limit), nil
	}
	if looksBack(tree) {
		return nil, sqlerr.Unsupported("repeated search for a regular expression that looks back and may match nothing")
	}
	later := re // behind the start of the text
	if nowhere(tree) {
		if later, err = regexp.Compile(tree.String()); err != nil {
			return nil, sqlerr.Newf(sqlerr.InternalError, "regular expression without its anchors: %w", err)
		}
	}
	var all [][]int
	for from := 0; from <= len(s) && limit != len(all); {
		search := re
		if from > 0 {
			search = later
		}
		m := search.FindStringSubmatchIndex(s[from:])
		if m == nil {
			break
		}
		for i := range m {
			if m[i] >= 0 {
				m[i] += from
			}
		}
		all = append(all, m)
		if from = m[1]; m[0] == m[1] {
			_, size := utf8.DecodeRuneInString(s[from:])
			from += max(size, 1)
		}
	}
	return all, nil
}

// canBeEmpty reports whether an expression may match no characters.
func canBeEmpty(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpLiteral:
		return len(re.Rune) == 0
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL, syntax.OpNoMatch:
		return false
	case syntax.OpCapture, syntax.OpPlus:
		return canBeEmpty(re.Sub[0])
	case syntax.OpRepeat:
		return re.Min == 0 || canBeEmpty(re.Sub[0])
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			if !canBeEmpty(sub) {
				return false
			}
		}
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			if canBeEmpty(sub) {
				return true
			}
		}
		return false
	}
	return true
}

// nowhere changes an expression to one that knows no start of the text; it reports whether that is another one.
func nowhere(re *syntax.Regexp) (changed bool) {
	if re.Op == syntax.OpBeginText {
		re.Op = syntax.OpNoMatch
		return true
	}
	for _, sub := range re.Sub {
		changed = nowhere(sub) || changed
	}
	return changed
}

// looksBack reports whether what an expression matches depends on the text before, other than whether there is any.
func looksBack(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpBeginLine, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return true
	}
	for _, sub := range re.Sub {
		if looksBack(sub) {
			return true
		}
	}
	return false
}
