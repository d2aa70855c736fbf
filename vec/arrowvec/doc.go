// Package arrowvec turns batches into Arrow record batches and back.
//
// A Converter is made once for the columns of a result; its Record copies the live rows of a batch
// into memory of an Arrow allocator. An Importer appends the rows of Arrow record batches to a
// batch builder. Both are used by one goroutine at a time.
//
//	boolean                      bool
//	smallint, integer, bigint    int16, int32, int64
//	oid                          uint32
//	real, double precision       float32, float64
//	numeric(p,s), p <= 38        decimal128(p,s); NaN has no place there and is an error (22003)
//	other numeric                utf8, as PostgreSQL prints it
//	text, varchar, name …        utf8
//	char(n)                      utf8, padded to n characters as PostgreSQL prints it
//	bytea                        binary
//	uuid                         fixed_size_binary[16]
//	date                         date32
//	time                         time64[us]
//	timestamp                    timestamp[us]
//	timestamp with time zone     timestamp[us, UTC]
//	interval                     month_day_nano_interval
//
// Infinite dates and timestamps keep their integers, the smallest and the largest of their width.
package arrowvec
