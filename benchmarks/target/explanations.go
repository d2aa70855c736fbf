package target

// Explanations say by the names of targets why they are missed. Each comes from a profile of the case (-profile DIR);
// their shares are of the processor time of the case.
var Explanations = map[string]string{
	"insert-1-bare": "four fifths of the time of a commit is one fdatasync, as in the loop; a quarter of the processor time is the statement, " +
		"the rest the commit queue and the record",
	"insert-1-sqlite": "both wait for one fdatasync a commit, four fifths of Lamina's time",
	"insert-64": "a group has about 30 of the 64 clients: one whose commit ended runs and inserts again while the next group is written, " +
		"on the cores that the groups need",
	"get": "two fifths of a read are the descent in the tree of keys, most of the rest makes the row's values: a quarter is memory and a copy " +
		"for the text",
	"get-bbolt": "a quarter of a read begins its transaction and statement, a quarter finds the key, a third makes the values; a quarter of all " +
		"is spent on memory, which is allocated for the transaction, the statement and the text",
	"get-beside": "the shares are those of reads without a writer, which has the other core: a quarter begins transaction and statement, " +
		"a quarter finds the key, a third makes the values",
	"get-sqlite": "half of a prepared SELECT is the read of the row, a fifteenth allocates what the client has of its rows, the rest is the " +
		"session: begin, bind and end of a statement",
	"get-std": "a third of the processor time is the read; most of the rest is database/sql: its locks, conversions, and a goroutine for each " +
		"query that waits for the end of its context; 21 of the 28 allocations are its",
	"htap-kept": "a commit waits for a processor when it comes back from the disk: queries give theirs up between batches, but not within " +
		"the steps that end a pipeline",
	"htap-p99": "what a commit waits for is said at the rate; the transactions alone wait for the disk only",
	"update-sqlite": "four fifths of the time of a transaction wait for one fdatasync when the disk is busy, for which SQLite waits too; of the " +
		"processor time three fifths change rows, the rest is the commit",
	"random": "of the processor time of 2 M inserts 28 hundredths look for the keys (half of that in the filters of the six segments, the rest in " +
		"memtables), 23 are flushes, 12 compactions, 14 commits; the part in which larger segments are merged is the slower one",
	"sustained": "two thirds of the processor time are the scans, which run on all cores, a sixth the inserts, 7 hundredths of all their " +
		"commits: a commit waits for a core",
	"memory": "slabs take no more than MemoryBytes at any time, idle ones included; above it are the program itself with its peers, whose " +
		"pages were 42 to 55 MiB before the database was opened, and a Go heap of 80 to 95 MiB while segments are written and merged, of " +
		"which 30 to 40 live: keys, places and pages of the rows on their way; the rest is garbage until the collector runs",
	"segment-deleted": "nothing is gathered: batches tell which few rows are not there, and their values are taken out of the sums again; a sum " +
		"takes half a nanosecond a value, beside which the list of about 20 rows a batch, and adding them up, is seen",
	"tpch-gc": "a query allocates about a MiB: two fifths are what scans of segments and of the delta keep of each column, the rest plans, " +
		"programs and results; each collection marks all that lives",
	"tpch-goal": "no part stands out: of the processor time of the 22 queries a fifth looks up keys of rows in bitmaps and filters of joins, most of it " +
		"waiting for memory, a fifth groups, a sixth evaluates other conditions and expressions, a twelfth reads columns, a twentieth " +
		"builds the sides of joins that are looked up",
	"large-goal": "of the processor time a sixth looks up keys of rows in bitmaps and filters of joins, which are larger than the caches of the processor, " +
		"a quarter groups, a seventh evaluates other conditions and expressions, a tenth reads columns; in Q11 and Q16 one worker " +
		"makes one of the workers' groups",
	"disguised-goal": "random keys leave neither arrays nor bitmaps: a quarter to a third of the processor time looks up keys in hashed filters of " +
		"joins, a twelfth in their hash tables, most of it waiting for memory",
	"h2o-groupby": "G3, G5, G7 and G10 look for groups by keys of twelve bytes and more, a third to two thirds of their processor time; the workers' " +
		"groups are made one by one worker, which is half of G10; G8 sorts",
	"htap-mixed": "compactions run on the same two cores: without them it is within the target; besides, a fifteenth of the processor time reads rows of " +
		"the delta, where strings have no codes, and a twentieth leaves deleted ones out",
	"tpch-first": "nothing is in the cache: a quarter of the processor time decodes columns, a tenth reads them, a tenth plans, on one core and most of it " +
		"with samples that no statement has read before; a fifth is memory, mostly of joins and groups, that the " +
		"system finds and clears; the rest is the query",
	"bitmap": "nearly every zone of 2,048 rows has a row that is wanted: a third of the time waits for memory, one row after the other, a quarter " +
		"is the collector of garbage, a fifth prepares the scan; the other side compares two bytes a row, in order",
	"bitmap-uncached": "nearly every page of the column that is added up has a row that is wanted: all of them are read and checked, and their " +
		"differences added up as far as the last such row, since delta encoding cannot be entered in the middle; the other side reads one column more, and " +
		"looks its codes up and compares them at a part of a nanosecond each",
	"load-columns": "most of the processor time makes segments: columns are gathered, keys are made, and pages are encoded, on all cores",
	"load-rows": "a fifth of the processor time turns Go values into columns, another fifth gathers these for segments, a third encodes the " +
		"segments",
	"load-copy": "two fifths of the processor time encode segments, a fifth finds fields and converts them, a twelfth finds where records " +
		"end, on one core; the rest gathers columns for the segments",
	"recovery": "half of the processor time puts rows and keys into the table, a sixth decodes entries, the rest reads and checks the log, on one core",
	"recovery-small": "half of the processor time puts rows and keys into the table, the rest decodes heads and entries and checks the chain, " +
		"all for each row and on one core",
}
