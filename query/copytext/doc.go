// Package copytext reads rows from text as PostgreSQL's COPY FROM does, in its formats text and csv.
//
//	input ─► splitter ─► chunks of records ─► workers: fields, then columns ─► vectors, in order of the input
//	         one goroutine                     one chunk each
//
// # Parts
//
// The splitter reads the input and finds where records end, which needs no more than quotes, backslashes and line ends,
// and cuts it into chunks of whole records: one batch each. Workers take chunks; they find the fields of a block of
// records, and then convert column after column of it, by kernels for the usual spellings of a type and by the type's
// input function for all others. Read hands the vectors on in the order of the input.
//
// # Errors
//
// The first error in the order of rows and, within a row, of fields ends the input, however the work was shared: a worker
// that meets any error in a block goes through its records one by one to find the first. The rows before it are handed on
// before the error is returned. Messages and their CONTEXT with line and column are PostgreSQL's.
//
// With Options.Skipped, a chunk in which a value cannot be read is gone through record by record; those whose values can be
// read are converted again, without the others.
//
// # Memory
//
// The number of chunks on their way is bounded, and so are their bytes, except that one record may have up to recordBytesMax.
// Vectors of strings refer to the text of their chunk.
package copytext
