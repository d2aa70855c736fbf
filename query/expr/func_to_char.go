package expr

// formatFunctions show and read values by templates.
var formatFunctions = []entry{
	{"to_char(timestamptz,text) text", 1770, stable, toCharTime, kernelNone},
	{"to_char(timestamp,text) text", 2049, stable, toCharTime, kernelNone},
	{"to_char(interval,text) text", 1768, stable, toCharTime, kernelNone},
	{"to_char(numeric,text) text", 1772, stable, toCharNumber, kernelNone},
	{"to_char(int4,text) text", 1773, stable, toCharNumber, kernelNone},
	{"to_char(int8,text) text", 1774, stable, toCharNumber, kernelNone},
	{"to_char(float4,text) text", 1775, stable, toCharNumber, kernelNone},
	{"to_char(float8,text) text", 1776, stable, toCharNumber, kernelNone},
	{"to_number(text,text) numeric", 1777, stable, toNumber, kernelNone},
	{"to_date(text,text) date", 1780, stable, toDate, kernelNone},
	{"to_timestamp(text,text) timestamptz", 1778, stable, toTimestamp, kernelNone},
}
