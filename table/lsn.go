package table

// LSN numbers the replicated records of the log (rows, schema changes, settings, sequence
// blocks, loads) from 1 without gaps. Zero is "before everything".
type LSN uint64

// MaxLSN is larger than any LSN that is ever assigned.
const MaxLSN = LSN(1)<<62 - 1
