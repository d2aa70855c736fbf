package target

// Queries say, by the names of a workload and of its query, why a query is slower beside DuckDB than it ought to be. Each comes from
// a profile (-profile DIR).
var Queries = map[string]string{}
