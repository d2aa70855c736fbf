// Package load measures how fast the rows of TPC-H's lineitem go into Lamina and into DuckDB through the
// Appender that each has, and from a csv file by COPY, with one durable commit at the end.
//
// The rows are made before, and the forms that the Appenders take (vectors, Go values) are made batch by batch
// outside the clock: what is measured are the calls that append, and the commit. The csv file is written before, too, and
// read from the page cache. Each load goes into a new
// database, and the systems take turns. Afterwards the sums of all columns are compared, so that a load that
// lost or changed a row does not count.
package load
