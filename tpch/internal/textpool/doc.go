// Package textpool makes the text that the comments of TPC-H are cut from.
//
// The benchmark defines one pseudo text of [Bytes] bytes: sentences drawn from a small grammar by
// one sequential random stream. Every comment is a substring of it at a random place, so a
// generator would need the whole pool in memory, or has to make the text at any place on demand.
// This package can do both.
//
// The embedded index makes the text addressable. It cuts the pool into blocks of [blockBytes] and
// says for each block how many bytes before its start the sentence that reaches into it begins,
// and how many draws of the random stream lie between that sentence and the one of the block
// before. A state of the stream is stored for each group of [groupBlocks] blocks; the stream is a
// Lehmer generator, so the state any number of draws later is one multiplication away.
//
//	pool    |--- block 0 ---|--- block 1 ---|--- block 2 ---| ...
//	text    |sentence|sentence|sentence|sentence|sentence|
//	back     0             ^--->
//	draws         0          ^ draws since the sentence of block 0
//
// A [Reader] makes the text of a place from the index; a [Pool] is the whole text in memory.
// The command in the subdirectory gen writes the index.
package textpool

//go:generate go run ./gen pool.idx
