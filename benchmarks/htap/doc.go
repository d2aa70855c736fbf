// Package htap measures analytical queries on tables that are being written: TPC-H with part of its rows in the delta and part
// deleted while segments are compacted, and small durable transactions beside a stream of queries.
package htap
