// Package ast is Lamina's own syntax tree of SQL statements: small typed structs that know where they
// stand in the text and nothing about the catalog. Package sqlparse makes them, package bind gives
// them meaning.
//
// A tree holds everything that was written: what it has no place for, the parser refuses. Trees are
// immutable once made and may be shared. Positions are 1-based character positions in the text that was
// parsed, as PostgreSQL reports them; 0 means unknown.
package ast

// Statement is one SQL statement of a text.
type Statement struct {
	Body Stmt
	// Text is the source of this statement alone, without the semicolon.
	Text string
	// Start and End are the byte offsets of Text in the whole text. Positions in Body count
	// characters from the beginning of the whole text.
	Start, End int
}

// Stmt is the body of a statement.
type Stmt interface{ stmt() }

// At is embedded in everything that has a position.
type At int

// Pos returns the position.
func (a At) Pos() int { return int(a) }
