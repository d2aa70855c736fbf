// Package tabletest is the conformance suite of table.TableStorage and its model.
//
// Run puts a storage through the suite: named cases for each rule of the contract, random sequences
// that run on the storage and on the model side by side, and, where the storage is durable, the same
// with power losses. Random sequences print their seed; one that fails is made shorter and saved
// under testdata, from where every later run repeats it.
//
// What a storage cannot do, its Features say, with a reason; the cases that need it are skipped and
// the reason is printed. A run that did too little of something fails.
package tabletest
