#!/usr/bin/env python3
"""Reads columnar tables from the files of a closed database, or of a copy of its directory: segments less what deletion vectors name, and the
rows that are in no segment yet. Parquet files are read by pyarrow or DuckDB, all else (columnar.md, deletion.md, sidecar.md) with what Python has.

usage: segments.py DIRECTORY                    lists the segments of each table, with the positions of their deleted rows
       segments.py DIRECTORY READER             prints table, column, number of values and their sum (see total)
       segments.py DIRECTORY READER rows        prints table and values of each row (see shown), tab-separated, sorted
READER is pyarrow or duckdb.
"""
import decimal, os, struct, sys
sys.dont_write_bytecode = True
from decode import Reader, check, crc, read, records, commit, snapshots
from readers import ENDS, FLOATS, WHOLE, DuckDB, Pyarrow
from rows import *

decimal.getcontext().prec = 2000
INTERVAL = 1186

class Memtable:
    """rows: by key, the LSN at which it began (at most) and its values; ended: such LSN, the one at which it ended, and key."""
    def __init__(self, sealed=0, first=0):
        self.sealed, self.first, self.rows, self.ended = sealed, first, {}, []

class Segment:
    """deleted: by position, the LSN at which the row ended (at most)."""
    def __init__(self, folder, r, begin=0):
        self.number, self.level, self.cut, self.count = r.u(), r.int(1), r.u() or begin, r.u()
        self.path, self.deleted = os.path.join(folder, "columnar-%08d.parquet" % self.number), {}
        self.sizes = (r.u(), r.int(4)), (r.u(), r.int(4))

    def sidecar(self):
        """Compares both files with the checksums that the manifest or record has, and returns the sections of the sidecar."""
        files = [read(self.path), read(self.path[:-7] + "sidecar")]
        for data, (size, sum) in zip(files, self.sizes):
            check(len(data) == size and crc(data) == sum, self.path)
        data, sections = files[1], {}
        self.columns = int.from_bytes(data[20:24], "little")
        directory = Reader(data[int.from_bytes(data[-16:-8], "little"):-16])
        while directory.left():
            kind, of, _, offset, length = struct.unpack("<HHIQQ", directory.take(24))
            sections[kind, of] = data[offset:offset + length]
        return sections

    def fields(self):
        """Returns the names and field IDs of the columns, as the sidecar has them."""
        r = Reader(self.sidecar()[1, 0])
        return [(string(r), r.u(), r.int(1), r.s(), r.int(2))[:2] for _ in range(self.columns)]

    def exceptions(self, column):
        """Returns the numerics that Parquet has as NULL, by position."""
        r = Reader(self.sidecar().get((13, column), b"\0"))
        return dict(r.list(lambda: (r.u(), numeric(r.take(r.u())))))

class Rows:
    """What a columnar table consists of."""
    def __init__(self, born):
        self.born, self.moves, self.memtables, self.segments, self.pending = born, 0, [Memtable()], [], []

    def put(self, key, lsn, row):
        self.memtables[-1].rows[key] = lsn, row

    def pop(self, key, lsn):
        """Ends a row: in a memtable, or in a segment, where it is found later."""
        for m in self.memtables:
            if key in m.rows:
                m.ended.append((m.rows.pop(key)[0], lsn, key))
                return
        self.pending.append((lsn, key))

    def flushed(self, seal, cut):
        """Removes a memtable of which segments have the rows as of the cut."""
        m = next((m for m in self.memtables if m.sealed == seal), None)
        if m:
            self.memtables.remove(m)
        else:  # it was sealed after the checkpoint: the rows that began before
            m, newest = Memtable(), self.memtables[-1]
            m.ended = [e for e in newest.ended if e[0] <= seal]
            newest.rows = {k: v for k, v in newest.rows.items() if v[0] > seal}
            newest.ended = [e for e in newest.ended if e[0] > seal]
        self.pending += [(end, key) for _, end, key in m.ended if end > cut]

def read_tables(r, folder, upto):
    """Returns the tables of a manifest by their IDs, without the rows of memtables."""
    def table():
        id, rows = r.u(), Rows(r.u())
        rows.moves, rows.memtables = r.u(), r.list(memtable)
        rows.segments = r.list(segment)
        return id, rows
    def memtable():
        m = Memtable(first=r.u(), sealed=r.u())
        m.ended = r.list(lambda: (m.sealed, r.u(), r.take(r.u())))
        return m
    def segment():
        s = Segment(folder, r)
        s.deleted = deletion_vector(r.take(r.u()), s.count)
        return s
    if not r.left():
        return {}  # version 1
    r.u()  # next segment
    tables = dict(r.list(table))
    check(r.left() == 0, "manifest")
    return tables

def deletion_vector(data, rows):
    check(data[:4] == b"LMDV" and crc(data[:-4]) == int.from_bytes(data[-4:], "little"), "deletion vector")
    r = Reader(data[4:-4])
    version, lsn, count, entries, size = struct.unpack("<IQIIQ", r.take(28))
    check(version == 1 and count == rows, "deletion vector")
    deleted = dict.fromkeys(bitmap(Reader(r.take(size))), lsn)
    for _ in range(entries):
        position, step = r.u(), r.u()
        lsn += step
        check(position not in deleted, "a row is deleted twice")
        deleted[position] = lsn
    check(r.left() == 0, "deletion vector")
    return deleted

def bitmap(r):
    """Yields what a roaring bitmap in the portable format has."""
    cookie, runs = r.int(4), 0
    if cookie & 0xFFFF == 12347:
        n = (cookie >> 16) + 1
        runs = r.int((n + 7) // 8)
    else:
        check(cookie == 12346, "bitmap")
        n = r.int(4)
    containers = [(r.int(2) << 16, r.int(2) + 1) for _ in range(n)]
    if not runs or n >= 4:
        r.take(4 * n)  # offsets
    for i, (high, count) in enumerate(containers):
        if runs >> i & 1:
            for _ in range(r.int(2)):
                first = high + r.int(2)
                yield from range(first, first + r.int(2) + 1)
        elif count <= 4096:
            yield from [high + r.int(2) for _ in range(count)]
        else:
            bits = r.int(8192)
            yield from [high + k for k in range(1 << 16) if bits >> k & 1]

class Tables(Database):
    """The columnar tables: rows has a Rows of each."""
    lsn, loaded, waiting = 0, True, ()

    def put(self, encoded):
        _, id, _, _, table = read_object(encoded)
        known = self.tables.get(id)
        super().put(encoded)
        if id in self.tables and table.method == "columnar" and not (known and known.method == table.method and known.layout == table.layout):
            self.rows[id] = Rows(self.lsn)

    def apply(self, lsn, entries, folder):
        for id, version, operation, keys, batch in entries:
            table = self.versions.get((id, version))
            if not table or lsn <= self.after[table.method]:
                continue
            if operation == 4:
                self.rows[id] = Rows(lsn)
            for k in keys:
                self.rows[id].pop(k, lsn)
            if operation in (1, 2):
                for row in values(batch, table.types):
                    self.rows[id].put(table.key(row), lsn, row)
            if operation == 5:
                check(batch.int(1) == 1, "version of a load")
                self.rows[id].segments += batch.list(lambda: Segment(folder, batch, lsn))

    def load(self, folder, blocks, rest):
        """Loads a checkpoint, when the catalog is as it was then."""
        self.loaded, upto = True, self.after["columnar"]
        self.rows.update((id, rows) for id, rows in read_tables(rest, folder, upto).items() if id in self.tables)
        for id, chunk, batch in blocks:
            if id in self.tables:
                m = [m for m in self.rows[id].memtables if m.first <= chunk][-1]
                for row in values(batch, self.tables[id].types):
                    m.rows[self.tables[id].key(row)] = m.sealed or upto, row
        for kind, r in self.waiting:
            self.move(folder, kind, r)

    def move(self, folder, kind, r):
        """Repeats a flush (64) or compaction (65)."""
        if not self.loaded:
            self.waiting += (kind, r),
            return
        check(r.int(1) == 1, "version of a flush or compaction")
        rows, born, moves, seal, cut = self.rows.get(r.u()), r.u(), r.u(), r.u(), r.u()
        gone, new = r.list(r.u), r.list(lambda: Segment(folder, r))
        if not rows or rows.born != born or moves <= rows.moves:
            return
        rows.moves = moves
        if kind == 64:
            rows.flushed(seal, cut)
        for s in [s for s in rows.segments if s.number in gone]:
            rows.segments.remove(s)
            late = [(lsn, position) for position, lsn in s.deleted.items() if lsn > cut]
            rows.pending += [(lsn, (s, position)) for lsn, position in late]
        rows.segments += new

def open_tables(directory):
    db, folder, checkpoint = Tables(), os.path.join(directory, "columnar"), 0
    db.after, blocks = {"columnar": 0}, None
    if os.path.exists(os.path.join(directory, "CHECKPOINT")):
        db.after["columnar"], blocks, rest = snapshots(directory)
        db.loaded = False
    db.lsn = checkpoint = read_checkpoint(db, directory)
    for lsn, kind, r, early in records(directory):
        if not db.loaded and (lsn > db.after["columnar"]):
            db.load(folder, blocks, rest)
        if kind in (64, 65):
            db.move(folder, kind, r)
        elif kind in (1, 5):
            changes, entries = commit(r, early)
            db.lsn = lsn
            for c in changes if lsn > checkpoint else []:
                db.drop(c) if isinstance(c, int) else db.put(c)
            db.apply(lsn, entries, folder)
    if not db.loaded:
        db.load(folder, blocks, rest)
    return db

def resolve(db, reader):
    """Finds the rows of segments that the log has ended: each in the one that was cut before and has the key in a row not deleted earlier."""
    for id, rows in db.rows.items():
        keys = {s: [db.tables[id].key(row) for row in segment_rows(reader, s, db.tables[id])] for s in rows.segments if rows.pending}
        pending = []
        for lsn, key in rows.pending:
            if isinstance(key, tuple):  # a place in a segment that a compaction has replaced
                key = db.tables[id].key(segment_rows(reader, key[0], db.tables[id])[key[1]])
            pending.append((lsn, key))
        for lsn, key in sorted(pending, key=lambda p: p[0]):
            for s in rows.segments:
                places = [p for p, k in enumerate(keys[s]) if k == key and p not in s.deleted] if s.cut < lsn else []
                if places:
                    s.deleted[places[0]] = lsn
                    break

def values(batch, types):
    """Returns the rows of a batch, with values as segment_rows has them."""
    def value(oid, v):
        if v is None or isinstance(v, (int, float)) or oid not in (NUMERIC, INTERVAL):
            return v
        if oid == INTERVAL:
            return v[0].to_bytes(16, "little", signed=True)
        return scaled(*v) if isinstance(v, tuple) else numeric(v)
    return [tuple(map(value, types, row)) for row in zip(*read_batch(batch, types))]

def scaled(coefficient, scale):
    return decimal.Decimal(coefficient).scaleb(-scale)

def numeric(b):
    """A numeric as commit.md describes it."""
    form, scale, rest = b[0] & 15, int.from_bytes(b[1:3], "little", signed=True), b[3:]
    if form > 2:
        return decimal.Decimal("NaN" if form == 3 else "Infinity" if rest == b"\1" else "-Infinity")
    return scaled(int.from_bytes(rest, "big" if form == 2 else "little", signed=True), scale)

def segment_rows(reader, segment, table):
    """Returns all rows of a segment: integers (dates, times and booleans too), floats, decimals, bytes, and None."""
    columns = reader.columns(segment, table.types)
    for c, oid in enumerate(table.types):
        if oid == NUMERIC:
            columns[c] = [v if v is None else decimal.Decimal(v) for v in columns[c]]
            for position, v in segment.exceptions(c).items():
                columns[c][position] = v
    return list(zip(*columns))

def total(oid, list):
    """Returns the number of values that are not NULL and the sum of the finite ones: of byte strings, that of their lengths."""
    list = [v for v in list if v is not None]
    if oid in FLOATS + (NUMERIC,):
        finite = [decimal.Decimal(v) for v in list]
        return len(list), sum((v for v in finite if v.is_finite()), decimal.Decimal(0))
    if oid in WHOLE:
        return len(list), sum(v for v in list if v not in ENDS.get(oid, ()))
    return len(list), sum(map(len, list))

def totals(reader, rows, table):
    """Returns number and sum of the values of each column: of segments as the reader finds them, of memtables as they are here."""
    memory = [row for m in rows.memtables for _, row in m.rows.values()]
    parts = [[total(oid, [row[c] for row in memory]) for c, oid in enumerate(table.types)]]
    for s in rows.segments:
        parts.append([x if isinstance(x, tuple) else total(NUMERIC, x) for x in reader.totals(s, table.types)])
        for c, oid in enumerate(table.types):
            late = [v for p, v in s.exceptions(c).items() if p not in s.deleted] if oid == NUMERIC else []
            parts.append([total(oid, late) if k == c else (0, 0) for k in range(len(table.types))])
    exact = lambda v: int(v) if v == int(v) else decimal.Decimal(v)
    return [(sum(p[c][0] for p in parts), sum(exact(p[c][1]) for p in parts)) for c in range(len(table.types))]

def shown(v):
    """Integers and numerics in decimal digits, the bytes of floats and of byte strings in hexadecimal ones."""
    if v is None:
        return "\\N"
    if isinstance(v, float):
        v = struct.pack(">d", v)
    return "x" + v.hex() if isinstance(v, bytes) else format(v, "f") if isinstance(v, decimal.Decimal) else str(int(v))

def main(directory, reader=None, rows=None):
    db = open_tables(directory)
    if reader:
        reader = {"pyarrow": Pyarrow, "duckdb": DuckDB}[reader]()
        resolve(db, reader)
    lines = []
    for id, parts in db.rows.items():
        table = db.tables[id]
        name = db.schemas[table.schema] + "." + table.name
        if rows:
            live = [row for m in parts.memtables for _, row in m.rows.values()]
            for s in parts.segments:
                live += [row for p, row in enumerate(segment_rows(reader, s, table)) if p not in s.deleted]
            lines += ["\t".join([name] + [shown(v) for _, v in zip(table.columns, row)]) for row in live]
        elif reader:
            for c, (n, s) in enumerate(totals(reader, parts, table)[:len(table.columns)]):
                lines.append("%s\t%d\t%d\t%s" % (name, c + 1, n, format(s.normalize() + 0, "f") if isinstance(s, decimal.Decimal) else s))
        else:
            lines += ["%s: segment %d, level %d, %d rows, cut %d, deleted: %s" % (name, s.number, s.level, s.count, s.cut,
                " ".join(map(str, sorted(s.deleted)))) for s in parts.segments]
            lines.append("%s: %d rows in memtables, %d deletions in the log" % (name, sum(len(m.rows) for m in parts.memtables), len(parts.pending)))
    print("\n".join(sorted(lines)))

if __name__ == "__main__":
    if len(sys.argv) not in (2, 3, 4):
        sys.exit(__doc__)
    main(*sys.argv[1:])
