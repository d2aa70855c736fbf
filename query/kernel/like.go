package kernel

import "bytes"

// Like is a LIKE pattern without single-character wildcards: literal pieces that must follow each other.
type Like struct {
	// prefix and suffix stand at the ends; parts in between in order.
	prefix, suffix []byte
	parts          [][]byte
	exact          bool // no %: the string is prefix
	lenMin         int
}

// CompileLike prepares a pattern with the escape character \. It returns nil for patterns that need a
// general matcher.
func CompileLike(pattern string) *Like {
	var pieces [][]byte
	piece := []byte{}
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '_':
			return nil
		case '%':
			pieces = append(pieces, piece)
			piece = []byte{}
		case '\\':
			if i++; i == len(pattern) {
				return nil
			}
			piece = append(piece, pattern[i])
		default:
			piece = append(piece, c)
		}
	}
	l := &Like{}
	if len(pieces) == 0 {
		l.prefix, l.exact, l.lenMin = piece, true, len(piece)
		return l
	}
	l.prefix, l.suffix = pieces[0], piece
	l.lenMin = len(l.prefix) + len(l.suffix)
	for _, p := range pieces[1:] {
		if len(p) > 0 {
			l.parts = append(l.parts, p)
			l.lenMin += len(p)
		}
	}
	return l
}

// Prefix returns what every match starts with, and the least length of a match.
func (l *Like) Prefix() (prefix []byte, lenMin int) { return l.prefix, l.lenMin }

// Match reports whether s matches.
func (l *Like) Match(s []byte) bool {
	if len(s) < l.lenMin || !bytes.HasPrefix(s, l.prefix) {
		return false
	}
	if l.exact {
		return len(s) == len(l.prefix)
	}
	if !bytes.HasSuffix(s, l.suffix) {
		return false
	}
	s = s[len(l.prefix) : len(s)-len(l.suffix)]
	for _, p := range l.parts {
		i := bytes.Index(s, p)
		if i < 0 {
			return false
		}
		s = s[i+len(p):]
	}
	return true
}
