package main

// mutantsMin is the least number of mutants that a full run tries.
const mutantsMin = 10

// mutants are all rules that can be broken.
var mutants = []mutant{
	{"wal-skip-fsync", "wal", "TestCrashAnywhere"},
	{"wal-skip-rotation-sync", "wal", "TestLostBeginningOfAFile"},
	{"wal-append-recovered", "wal", "TestRecoveredFileIsSealed"},
	{"wal-ignore-chain", "wal", "TestChainBreak"},
	{"wal-ignore-proof", "wal", "TestBitFlips"},
	{"wal-forget-recovery-sync", "wal", "TestKillKeepsWhatWasShown"},
	{"txn-publish-before-sync", "txn", "TestNothingIsVisibleBeforeItIsDurable"},
	{"txn-forget-deadlock", "txn", "TestDeadlockCycles"},
	{"txn-ignore-watermark", "txn", "TestViewsUnderLoad"},
	{"rowstore-ignore-begin", "rowstore", "TestVersionsAgainstModel"},
	{"rowstore-ignore-deletions", "rowstore", "TestVersionsAgainstModel"},
	{"rowstore-lose-chain", "rowstore", "TestVersionsAgainstModel"},
	{"rowstore-forget-facts", "rowstore", "TestPruningDropsNoMatch"},
	{"store-truncate-too-much", "store", "TestStoreSurvivesPowerLoss"},
	{"store-truncate-before-checkpoint", "store", "TestStoreSurvivesPowerLoss"},
	{"store-apply-without-log", "store", "TestStoreSurvivesPowerLoss"},
	{"store-forget-catalog", "store", "TestStoreSurvivesPowerLoss"},
	{"store-forget-hidden-keys", "store", "TestStoreSurvivesPowerLoss"},
	{"store-skip-directory-sync", "store", "TestStoreSurvivesPowerLoss"},
	{"store-trust-renames", "store", "TestInterruptedCreation"},
	{"rowstore-skip-manifest-sync", "store", "TestStoreSurvivesPowerLoss"},
	{"rowstore-skip-manifest-dirsync", "store", "TestStoreSurvivesPowerLoss"},
	{"rowstore-skip-snapshot-sync", "store", "TestStoreSurvivesPowerLoss"},
	{"store-data-before-log", "store", "TestStoreSurvivesPowerLoss"},
	{"rowstore-keep-old-chunks", "store", "TestStoreSurvivesPowerLoss"},
	{"rowstore-snapshot-deleted", "store", "TestStoreSurvivesPowerLoss"},
	{"rowstore-ignore-durable", "store", "TestStoreSurvivesPowerLoss"},
	{"rowstore-sweep-unsynced", "store", "TestInterruptedCheckpoint"},
	{"rowstore-reuse-file-number", "store", "TestFailedCheckpointIsTriedAgain"},
	{"store-ignore-tier-mark", "store", "TestMissingFiles"},
	{"unchecked-overflow", "query/expr", "TestArithmeticEdges"},
	{"kernel-ignores-validity", "query/expr", "TestVectorAgainstRows"},
	{"kernel-last-partial-vector", "query/expr", "TestVectorAgainstRows"},
	{"expr-stale-facts", "query/expr", "TestArithmeticEdges"},
	{"expr-ignores-narrowing", "query/expr", "TestVectorAgainstRows"},
}
