package opt

// Steps are the parts of planning beside the rules, in their order.
var Steps = []Step{
	{RuleUnnest, `Correlated subqueries become joins: conditions that tie them move up, or they are computed once for each
distinct combination of what they use. Without this step each runs once for each such combination.`},
	{RuleDropLeftJoin, `A left join whose right side nothing reads, and of which no row matches twice, leaves its left side as
it is.`},
	{RuleDropReferenced, `A join along a foreign key with a table of which nothing else is read leaves the rows without NULL in
the key as they are; a semi join does the same, an anti join leaves the others.`},
	{RuleOrderJoins, `Inner, left, semi and anti joins are put into the order of the least estimated cost: bushy trees over a
hypergraph whose conflict rules keep what may not change places.`},
	{RuleSharePlans, `Equal parts of a statement run once, and their rows are kept for all that read them: parts with the same
tables, conditions and groups that use nothing from outside and are not volatile, if that costs less than running them again.
Which columns they output may differ, unless computing one could fail. Such a part runs only as far as it is read.`},
	{RuleDeterminedKeys, `Grouping keys that the primary key of their table determines, or that are equal to another key, are
carried along: they need not be compared.`},
	{RuleFetchLate, `Columns that joins, groupings and sorts would only keep are left in their table, and the positions of its rows
are kept in their place. The columns are fetched where few rows are left, above a LIMIT for instance. Every operator
between passes them on as they are: a row comes from one row of the table, or has NULLs for all of it. That is done
where it is estimated to be less work, which debug_late_columns overrides.`},
	{RuleKeyLookup, `A scan whose condition gives each column of the primary key a constant looks its one row up.`},
	{RuleChooseBuildSide, `The side of an inner join that is estimated to be smaller is kept, the other one streams past it; a
left, semi or anti join keeps its left side only if that is much smaller. A semi or anti join looks at all pairs
of rows of one key then, so its condition must have a key and nothing that can fail.`},
}

// Rules are all rewrites of operators, in the order in which they are tried on each.
var Rules = []Rule{
	{"FoldConstants", `Expressions of constants are computed once, while planning. One that fails is left to fail
when a row reaches it.`, foldConstants},
	{"SimplifyConditions", `NOT moves to the leaves (De Morgan's laws hold in three-valued logic), comparisons take its
place where they can, a chain of = on one expression under OR becomes IN, and IS TRUE goes where only true counts.`,
		simplifyConditions},
	{"NarrowComparisons", `A comparison of a date column with a timestamp constant becomes one with a date: storage keeps
bounds of the column's own type. The constant is rounded to the day on the side that keeps the same rows.`, narrowComparisons},
	{"FactorOr", `What every branch of an OR has in common is written once, outside of it.`, factorOr},
	{"DeriveFromOr", `If every branch of an OR restricts one table, the OR of those restrictions holds too; it can move
down to the table, which the whole OR cannot.`, deriveFromOr},
	{"InferConstants", `a = b and a < 5 give b < 5: comparisons with constants hold for every column that must be equal.
Rows of the other side of a join that cannot match are then not read.`, inferConstants},
	{"RemoveTrueFilters", `A filter without conditions passes everything.`, removeTrueFilters},
	{"EmptyFilters", `A filter whose condition is constantly false or NULL has no rows; a join whose condition is matches
none.`, emptyFilters},
	{"PushFilterIntoProject", `A condition on computed columns is one on what they are computed from. Nothing is removed or
repeated between, so it may be any condition over expressions that are not volatile.`, pushFilterIntoProject},
	{"PushFilterIntoJoin", `A condition that names columns of one side of a join goes to that side, if the join keeps that
side's rows as they are and the condition cannot fail; a condition on both sides of an inner join becomes part of
its condition.`, pushFilterIntoJoin},
	{"PushFilterIntoAggregate", `A condition on grouping keys removes whole groups; it may as well remove their rows. Keys
whose equal values can differ (1.0 and 1.00) may only be compared.`, pushFilterIntoAggregate},
	{"PushFilterIntoUnion", `A condition on a union holds for the rows of each input.`, pushFilterIntoUnion},
	{"PushFilterIntoSort", `Order does not matter to a condition.`, pushFilterIntoSort},
	{"PushJoinCondition", `A part of a join's condition that names one side only, of which the join drops or ignores the
rows that do not meet it, is a condition on that side.`, pushJoinCondition},
	{"MergeSelfJoin", `Rows of one table that agree in a key are one row: a join of a table with itself by a key, or of what has
its columns, reads it once.`, mergeSelfJoin},
	{"OuterToInner", `If a condition above a left join rejects NULLs of its right side, no row without a match survives: it
is an inner join. A full join loses its left or right half likewise.`, outerToInner},
	{"LeftToAnti", `A left join of which only the rows without a match are wanted is an anti join: its right side's columns
are NULL in all of them.`, leftToAnti},
	{"AntiNullToAnti", `NOT IN over values that are never NULL is an anti join.`, antiNullToAnti},
	{"SingleToLeft", `A subquery whose join columns contain a key yields at most one row: nothing need be checked.`,
		singleToLeft},
	{"MergeProjects", `Two projections in a row are one, unless an expression would be computed twice.`, mergeProjects},
	{"PullProjectAboveJoin", `What a projection below a join computes can be computed above it, for the rows that are left;
the joins below and above then are ordered together.`, pullProjectAboveJoin},
	{"PushLimitIntoProject", `A limit above a projection is one below it: the other rows need not be computed.`,
		pushLimitIntoProject},
	{"PushLimitIntoUnion", `The first rows of a union are among the first rows of each input, in the same order.`, pushLimitIntoUnion},
	{"PushLimitIntoJoin", `Each row of the kept side of a left join makes one row at least: the first rows, if only that side orders
them, come from its first rows.`, pushLimitIntoJoin},
	{"SimplifyLimit", `A limit of a limit is one, a limit of zero rows has none, and a limit of what has one row at most is that.`,
		simplifyLimit},
	{"LimitWindow", `Of rows that a window numbers in an order and a condition on the number leaves out behind the first few, those go
before the order is made that have more rows of their partition before them. The number of a row depends on the rows before
it alone, so functions that look at others do not stand in the same window.`, limitWindow},
	{"SimplifySort", `A key that is constant, that a condition fixes, or that was there before decides nothing; nor do keys after those
that no two rows agree in.`, simplifySort},
	{"DropSort", `The order of rows that are grouped, joined or sorted again does not matter, unless an aggregate
depends on it.`, dropSort},
	{"DropDistinct", `Rows that contain a key of the input are distinct already.`, dropDistinct},
	{"DropDistinctArgument", `The smallest of some values is that of the distinct ones; so with the greatest, with AND and OR.`,
		dropDistinctArgument},
	{"DropInnerDistinct", `What removes duplicates, UNION, INTERSECT or EXCEPT, needs no inputs without them.`, dropInnerDistinct},
	{"AggregateBelowJoin", `If each group of a join is one row of one side, the other side can be grouped by what it is joined by, and
the join finds one group for each row. That is done where it makes the other side much smaller, and the join would not.`,
		aggregateBelowJoin},
	{"PropagateEmpty", `A join, grouping or union over no rows is known to have none.`, propagateEmpty},
}
