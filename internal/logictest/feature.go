package logictest

import "slices"

// Feature is something of PostgreSQL's language that Lamina does not have.
type Feature struct {
	// Codes are the SQLSTATEs with which Lamina refuses it.
	Codes []string
	// Reason says what is missing.
	Reason string
}

const (
	unsupported     = "0A000"
	unknownFunction = "42883"
)

// features are what skipif may name. A record that is no longer refused as its feature says must lose its skipif.
var features = map[string]*Feature{
	"arrays":             {[]string{unsupported}, "array types"},
	"bit_strings":        {[]string{unsupported}, "bit strings"},
	"column_parts":       {[]string{unsupported}, "assignment to fields and elements of a column"},
	"comments":           {[]string{unsupported}, "COMMENT ON"},
	"cursors":            {[]string{unsupported}, "DECLARE, FETCH, CLOSE"},
	"deferrable":         {[]string{unsupported}, "deferrable constraints"},
	"exclusion":          {[]string{unsupported}, "exclusion constraints"},
	"extensions":         {[]string{unsupported}, "extensions"},
	"functions":          {[]string{unknownFunction}, "functions that the catalogue does not have yet"},
	"indexes":            {[]string{unsupported}, "CREATE INDEX"},
	"inheritance":        {[]string{unsupported}, "inheritance"},
	"json":               {[]string{unsupported}, "json and jsonb"},
	"like_table":         {[]string{unsupported}, "CREATE TABLE (LIKE …)"},
	"materialized_views": {[]string{unsupported}, "materialized views"},
	"notify":             {[]string{unsupported}, "LISTEN and NOTIFY"},
	"ordinality":         {[]string{unsupported}, "WITH ORDINALITY"},
	"partitions":         {[]string{unsupported}, "partitioned tables"},
	"privileges":         {[]string{unsupported}, "GRANT and REVOKE"},
	"procedures":         {[]string{unsupported}, "functions, procedures, DO"},
	"rows_from":          {[]string{unsupported}, "ROWS FROM"},
	"series_types":       {[]string{unsupported}, "generate_series of numerics and times"},
	"sleep":              {[]string{unknownFunction}, "pg_sleep"},
	"substring_similar":  {[]string{unsupported}, "SUBSTRING … SIMILAR"},
	"system_columns":     {[]string{unsupported}, "ctid, xmin and other system columns"},
	"tablesample":        {[]string{unsupported}, "TABLESAMPLE"},
	"triggers":           {[]string{unsupported}, "triggers"},
	"two_phase":          {[]string{unsupported}, "two-phase commit"},
	"unlogged":           {[]string{unsupported}, "unlogged tables: USING memory is their kin"},
	"updatable_views":    {[]string{unsupported}, "data changes through views"},
	"user_types":         {[]string{unsupported}, "CREATE TYPE, CREATE DOMAIN"},
	"whole_row":          {[]string{unsupported}, "rows as values"},
	"xml":                {[]string{unsupported}, "xml"},
}

// refusedBy reports whether an outcome is how Lamina refuses the feature.
func (f *Feature) refusedBy(o *Outcome) bool {
	return o.Err != nil && slices.Contains(f.Codes, o.Err.Code)
}
