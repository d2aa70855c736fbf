package history

import "slices"

// Level is a transaction isolation level, with what PostgreSQL promises at it.
type Level uint8

// The levels.
const (
	// ReadCommitted: each statement reads a snapshot of what was committed before it began.
	ReadCommitted Level = iota
	// RepeatableRead is snapshot isolation.
	RepeatableRead
	// Serializable: there is an order of the transactions in which, one after the other, they see the same.
	Serializable
)

var levelNames = []string{"read committed", "repeatable read", "serializable"}

// String returns the level's name in SQL, in lower case.
func (l Level) String() string { return levelNames[l] }

// Anomaly is the name of something that should not be seen.
type Anomaly string

// What no database shows at any level.
const (
	Garbage      Anomaly = "garbage read"       // a value that nobody has appended
	Duplicate    Anomaly = "duplicate append"   // a value twice in a list
	Incompatible Anomaly = "incompatible order" // two reads of a list of which neither is the beginning of the other
	Internal     Anomaly = "internal"           // a read without what the transaction itself has appended, or before it did
	Lost         Anomaly = "lost append"        // a committed value that later reads of the list do not have
)

// Phenomena. Those that are cycles have a variant with the suffix -realtime or -process.
const (
	G1a        Anomaly = "G1a"         // aborted read: of what a transaction appended that was rolled back
	G1b        Anomaly = "G1b"         // intermediate read: of some of what a transaction appended to a list
	G0         Anomaly = "G0"          // write cycle: ww edges only
	G1c        Anomaly = "G1c"         // circular information flow: ww and wr edges, one wr at least
	GMonotonic Anomaly = "G-monotonic" // no order of the commits explains each single read: see the file monotonic.go
	LostUpdate Anomaly = "lost update" // P4: what a transaction has read of a list is not the version it appended to
	GSingle    Anomaly = "G-single"    // read skew: a cycle with one rw edge
	// GNonadjacent is a cycle with several rw edges, of which no two follow each other.
	GNonadjacent Anomaly = "G-nonadjacent"
	G2Item       Anomaly = "G2-item" // a cycle in which two rw edges follow each other: write skew
)

// forbidden are the anomalies by the lowest level that forbids them.
var forbidden = [][]Anomaly{
	ReadCommitted:  {Garbage, Duplicate, Incompatible, Internal, Lost, G1a, G1b, G0, G1c, GMonotonic},
	RepeatableRead: {LostUpdate, GSingle, GNonadjacent},
	Serializable:   {G2Item},
}

// Forbids reports whether a level promises that there is no such anomaly, variants with real time and process included.
func (l Level) Forbids(a Anomaly) bool {
	for _, list := range forbidden[:l+1] {
		if slices.Contains(list, a.base()) {
			return true
		}
	}
	return false
}

// base is the anomaly without a suffix.
func (a Anomaly) base() Anomaly {
	for _, suffix := range []string{"-realtime", "-process"} {
		if n := len(a) - len(suffix); n > 0 && string(a[n:]) == suffix {
			return a[:n]
		}
	}
	return a
}
