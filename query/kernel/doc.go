// Package kernel holds the inner loops of query execution: small generic functions over slices, one
// operation each. A kernel knows no vectors, plans or errors; where an operation can fail it reports that
// it may have, and its caller finds the row.
//
// # Conventions
//
// Narrow values are unsigned and stand for themselves plus a base that the caller adds; range selection
// works on them as they are, with the bounds moved into the same space (see SelectRange). Arithmetic
// is for int64, types.Int128 and float64 only. Bitmaps are words with the least significant bit first.
// Selection vectors list positions; a kernel that fills one needs room for one entry more than it
// may produce, because it writes before it knows whether to keep. Output may alias the selection
// that is read, since it never overtakes it.
//
// On amd64 with AVX2 some kernels begin with assembly (simd_amd64.s), which takes whole blocks of the input; the
// loop in Go does the rest, and everything elsewhere. Both must agree (TestAssembly).
//
// Operators are spelled out in loop bodies: a comparison passed as a function value would be called for
// each row.
package kernel
