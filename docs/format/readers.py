"""Reads Parquet files of segments for segments.py, with pyarrow or DuckDB. Both give the values of a type the same form: integers (dates,
times and booleans too), floats, decimals or their text, byte strings, and None."""
from decode import check
from rows import *

FLOATS, TIMETZ, UUID, NAME, OIDS = (700, 701), 1266, 2950, 19, (26, 2205, 2206, 24, 4089, 4096)
WHOLE = INTEGERS + OIDS + (TIMETZ,)
ENDS = {DATE: (-1 << 31, (1 << 31) - 1), TIMESTAMP: (-1 << 63, (1 << 63) - 1), TIMESTAMPTZ: (-1 << 63, (1 << 63) - 1)}  # infinities

class Pyarrow:
    def __init__(self):
        import pyarrow, pyarrow.compute, pyarrow.parquet
        self.arrow, self.compute = pyarrow, pyarrow.compute

    def table(self, segment):
        """Reads a segment, with each column as integers, floats, decimals, binary, or text of numerics."""
        pa, f = self.arrow, self.arrow.parquet.ParquetFile(segment.path)
        ids = [(x.name, int(x.metadata[b"PARQUET:field_id"])) for x in f.schema_arrow]
        check(ids == segment.fields(), "field IDs of " + segment.path)
        return f.read()

    def physical(self, column, oid):
        pa = self.arrow
        if oid == UUID:
            column = pa.chunked_array([getattr(c, "storage", c) for c in column.chunks], pa.binary(16))
        if oid == DATE:
            column = column.cast(pa.int32())
        if oid in WHOLE:
            return column.cast(pa.int64())
        if oid in FLOATS:
            return column.cast(pa.float64())
        return column if oid == NUMERIC else column.cast(pa.binary())

    def columns(self, segment, types):
        return [self.physical(c, oid).to_pylist() for c, oid in zip(self.table(segment).columns, types)]

    def totals(self, segment, types):
        """Returns number and sum of the values of each column in rows that are not deleted; a list of numerics that would overflow sums."""
        t, pc, out = self.table(segment), self.compute, []
        t = t.filter(self.arrow.array([p not in segment.deleted for p in range(segment.count)], self.arrow.bool_()))
        for c, oid in zip(t.columns, types):
            c = self.physical(c, oid)
            n, cells = len(c) - c.null_count, c.drop_null()
            if oid in FLOATS:
                cells = cells.filter(pc.is_finite(cells))
            elif oid == NUMERIC and self.arrow.types.is_string(c.type):
                out.append(cells.to_pylist())
                continue
            elif oid == NUMERIC:
                cells = cells.cast(self.arrow.decimal256(76, c.type.scale))
            elif oid in ENDS:
                cells = cells.filter(pc.invert(pc.is_in(cells, self.arrow.array(ENDS[oid], self.arrow.int64()))))
            elif oid not in WHOLE:
                cells = pc.binary_length(cells)
            cells = cells.cast(self.arrow.decimal256(30, 0)) if self.arrow.types.is_integer(cells.type) else cells
            out.append((n, pc.sum(cells).as_py() or 0))
        return out

class DuckDB:
    def __init__(self):
        import duckdb
        self.db = duckdb.connect()
        self.db.execute("SET TimeZone = 'UTC'")

    def physical(self, name, oid):
        c = '"' + name.replace('"', '""') + '"'
        if oid == DATE:  # DuckDB's own infinity is the largest integer, as here
            return "CASE WHEN isinf(%s) THEN 2147483647 ELSE date_diff('day', DATE '1970-01-01', %s) END" % (c, c)
        if oid in (TIMESTAMP, TIMESTAMPTZ):
            return "CASE WHEN isinf(%s) THEN 9223372036854775807 ELSE epoch_us(%s) END" % (c, c)
        if oid == TIME:
            return "epoch_us(%s)" % c
        if oid in WHOLE:
            return c + "::BIGINT"
        if oid in FLOATS:
            return c + "::DOUBLE"
        if oid == UUID:
            return "unhex(replace(%s::VARCHAR, '-', ''))" % c
        return "encode(%s)" % c if oid in (TEXT, VARCHAR, BPCHAR, NAME) else c

    def source(self, segment):
        sql = "SELECT name, field_id, ends_with(type, 'BYTE_ARRAY') FROM parquet_schema(?) WHERE type IS NOT NULL ORDER BY column_id"
        fields = self.db.execute(sql, [segment.path]).fetchall()
        check([(name, id) for name, id, _ in fields] == segment.fields(), "field IDs of " + segment.path)
        return [name for name, _, _ in fields], {name for name, _, text in fields if text}, "FROM read_parquet('%s', file_row_number = true)" % segment.path.replace("'", "''")

    def columns(self, segment, types):
        names, _, source = self.source(segment)
        cells = ", ".join(map(self.physical, names, types))
        rows = self.db.execute("SELECT %s %s ORDER BY file_row_number" % (cells, source)).fetchall()
        return [list(c) for c in zip(*rows)]

    def totals(self, segment, types):
        names, text, source = self.source(segment)
        cells = []
        for name, oid in zip(names, types):
            c = self.physical(name, oid)
            sum = "sum(octet_length(%s))" % c
            if oid in FLOATS:
                sum = "sum(%s) FILTER (WHERE isfinite(%s))" % (c, c)
            elif oid == NUMERIC:
                sum = "list(%s)" % c if name in text else "sum(%s)" % c
            elif oid in ENDS:
                sum = "sum(%s) FILTER (WHERE %s NOT IN %s)" % (c, c, ENDS[oid])
            elif oid in WHOLE:
                sum = "sum(%s)" % c
            cells += ["count(%s)" % c, sum]
        where = "WHERE list_position(?::BIGINT[], file_row_number) IS NULL"
        out = self.db.execute("SELECT %s %s %s" % (", ".join(cells), source, where), [sorted(segment.deleted)]).fetchone()
        return [out[i + 1] if isinstance(out[i + 1], list) else (out[i], out[i + 1] or 0) for i in range(0, len(out), 2)]
