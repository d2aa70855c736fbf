package target

// Queries say, by the names of a workload and of its query, why a query is slower beside DuckDB than it ought to be. Each comes from
// a profile (-profile DIR); shares are of the processor time of the query.
var Queries = map[string]string{
	"tpch Q4": "two fifths look for the keys of lines in the bitmap of orders and compare their dates, for all lines: the bitmap is of the small side, " +
		"and every zone has some",
	"tpch Q10": "a quarter looks for the orders of lines in the bitmap of their keys, for all lines that came back",
	"tpch Q11": "a quarter makes one of the workers' groups, which one worker does, a fifth is memory that is found and cleared for them, a tenth " +
		"looks for the keys of suppliers in a bitmap",
	"tpch Q16": "groups of two strings and a number, each with a set of suppliers: half finds groups and suppliers by hashed keys; a third " +
		"makes one of the workers' sets, which one worker does, most of it an index of twice the size",
	"tpch Q21": "a third looks for the other lines of an order in a hash table, once for EXISTS and once for NOT EXISTS",
	"disguised Q11": "a fifth looks for keys in the hashed filter of suppliers, a fifth in their hash table, a fifth computes the values of the rows " +
		"that are left",
	"h2o-groupby G3": "half looks for groups by keys of twelve bytes, which are hashed and compared",
	"h2o-groupby G6": "a third gathers the values by group, with writes all over memory; then the middle of each group is selected",
	"h2o-groupby G7": "two thirds look for groups by keys of twelve bytes, which are hashed and compared",
	"h2o-groupby G8": "a third sorts the rows that stay of each group: each worker keeps what was among the first two when it came; " +
		"a quarter compares them one after the other to find where groups end",
	"h2o-groupby G10": "nearly every row is a group: two thirds look for groups, first those of a worker and then, when one worker merges them, those of all",
}
