#!/usr/bin/env python3
"""Prints the rows of a closed database, or of a copy of its directory, from its files alone.

decode.py, beside it, reads the log and the snapshot files; here are the checkpoint (directory.md), the catalog (catalog.md), batches
(commit.md), keys, and the key-values of LSM tables (lsm.md), of which PAIRS has one a line: key and value in hexadecimal digits.
Without PAIRS only columnar tables are printed. A line is the table's name and its values, tab-separated, as COPY writes them; all
lines are sorted.

usage: rows.py DIRECTORY [PAIRS]
"""
import datetime, os, struct, sys
sys.dont_write_bytecode = True
from decode import Reader, check, commits, crc, read, snapshots

INT2, INT4, INT8, TEXT, FLOAT8, VARCHAR, BPCHAR, NUMERIC = 21, 23, 20, 25, 701, 1043, 1042, 1700
BOOL, BYTEA, DATE, TIME, TIMESTAMP, TIMESTAMPTZ = 16, 17, 1082, 1083, 1114, 1184
INTEGERS = (INT2, INT4, INT8, BOOL, DATE, TIME, TIMESTAMP, TIMESTAMPTZ)

class Table:
    """A definition: types has those of its columns, and last that of the hidden key if there is no primary one."""
    def __init__(self, name, schema, method, columns, keys, layout):
        self.name, self.schema, self.method, self.columns, self.layout = name, schema, method, columns, layout
        primary = next((positions for _, is_primary, positions in keys if is_primary), None)
        self.types = columns + ([INT8] if primary is None else [])
        self.primary = [len(columns)] if primary is None else primary
        self.unique = {i: k[2] for i, k in enumerate(keys) if not k[1]}

    def key(self, row, positions=None):
        """Returns the encoding of a row's primary or hidden key, or of its values at some positions."""
        positions = self.primary if positions is None else positions
        return b"".join(key(self.types[c], row[c], c == positions[-1]) for c in positions)

def read_object(encoded):
    """Returns kind, ID, version, name and, for a table, its definition."""
    r = Reader(encoded)
    kind, id, schema, version, name = r.int(1), r.u(), r.u(), r.u(), string(r)
    if kind != 2:
        return kind, id, version, name, None
    method = string(r)
    columns = r.list(lambda: (string(r), r.u(), r.s(), r.int(1), string(r))[1])
    keys = r.list(lambda: (string(r), r.int(1), r.list(r.u)))
    r.list(lambda: (string(r), string(r)))  # checks
    r.list(lambda: (string(r), string(r)))  # options
    layout = 0
    while r.left():
        tag, content = r.int(1), Reader(r.take(r.u()))
        if tag == 1:
            layout = content.u()
    return kind, id, version, name, Table(name, schema, method, columns, keys, layout)

def string(r):
    return r.take(r.u()).decode()

class Database:
    def __init__(self):
        self.tables, self.versions, self.schemas, self.rows = {}, {}, {}, {}
        self.after = {}  # by method: the LSN up to which files have all changes of its tables

    def put(self, encoded):
        kind, id, version, name, table = read_object(encoded)
        if kind == 1:
            self.schemas[id] = name
        if table and table.method in self.after:
            if id in self.tables and self.tables[id].layout != table.layout:
                self.rows[id] = {}
            self.tables[id] = self.versions[id, version] = table
            self.rows.setdefault(id, {})

    def drop(self, id):
        for m in (self.tables, self.schemas, self.rows):
            m.pop(id, None)

    def insert(self, id, table, batch):
        for row in zip(*read_batch(batch, table.types)):
            self.rows[id][table.key(row)] = row

    def apply(self, lsn, entries):
        for id, version, operation, keys, batch in entries:
            table = self.versions.get((id, version))
            if not table or lsn <= self.after[table.method]:
                continue
            check(operation < 5, "table %d has segments, which segments.py reads" % id)
            if operation == 4:
                self.rows[id] = {}
            for k in keys:
                self.rows[id].pop(k, None)
            if operation in (1, 2):
                self.insert(id, table, batch)

    def lines(self):
        for id, table in self.tables.items():
            name = self.schemas[table.schema] + "." + table.name
            for row in self.rows[id].values():
                yield "\t".join([name] + [text(oid, v) for oid, v in zip(table.columns, row)])

def read_checkpoint(db, directory):
    """Fills the catalog, and returns the LSN that it is of."""
    if not os.path.exists(os.path.join(directory, "CHECKPOINT")):
        return 0
    data = read(directory, "CHECKPOINT")
    check(data[:8] == b"LAMINCKP" and crc(data[:-4]) == struct.unpack("<I", data[-4:])[0], "CHECKPOINT")
    version, r = struct.unpack("<I", data[8:12])[0], Reader(data[20:-4])
    r.take(16)  # identity of the log
    lsn = r.int(8)
    r.take(16)  # time, position
    r.list(lambda: (r.u(), r.u()))  # hidden keys
    if version == 2:
        r.list(lambda: (r.u(), r.s(), r.int(1)))  # sequences
    r.list(lambda: (string(r), r.u()))  # tiers
    r.u()  # next ID
    for o in r.list(lambda: r.take(r.u())):
        db.put(o)
    for o in r.list(lambda: (r.u(), r.take(r.u()))[1]):
        _, id, version, _, table = read_object(o)
        if table and table.method in db.after:
            db.versions[id, version] = table
    return lsn

def key(oid, v, last):
    """The encoding of package index, for some types."""
    if oid == INT2:
        return struct.pack(">H", (v & 0xFFFF) ^ 1 << 15)
    if oid in (INT4, DATE):
        return struct.pack(">I", (v & 0xFFFFFFFF) ^ 1 << 31)
    if oid in INTEGERS:
        return struct.pack(">Q", (v & (1 << 64) - 1) ^ 1 << 63)
    if oid in (TEXT, VARCHAR, BPCHAR):
        return v if last else v.replace(b"\0", b"\0\xff") + b"\0\1"
    sys.exit("keys of type %d are not decoded" % oid)

def read_batch(r, types):
    """Returns the columns of a batch: lists of integers, floats, bytes, pairs (coefficient, scale) of numerics, and None."""
    rows, columns = r.u(), r.u()
    check(columns == len(types), "%d columns, not %d" % (columns, len(types)))
    out = []
    for oid in types:
        tag, bits = r.int(1), b"\xff" * ((rows + 7) // 8)
        if tag & 16:
            bits = r.take(len(bits))
        values = read_column(r, tag & 15, rows, oid)
        out.append([v if bits[i // 8] >> i % 8 & 1 else None for i, v in enumerate(values)])
    return out

def read_column(r, layout, rows, oid):
    if layout == 3:
        return [r.take(n) for n in [r.u() for _ in range(rows)]]
    if layout == 2:
        return struct.unpack("<%dd" % rows, r.take(8 * rows))
    if layout == 1:
        scale = r.s()
        return [(signed(r.int(16), 128), scale) for _ in range(rows)]
    width, base = r.int(1), r.s()
    scale = r.s() if oid == NUMERIC else None
    values = [signed(base + r.int(width), 64) for _ in range(rows)]
    return values if scale is None else [(v, scale) for v in values]

def signed(v, bits):
    """Two's complement."""
    return (v + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)

def text(oid, v):
    """A value as COPY writes it."""
    if v is None:
        return "\\N"
    if oid == BOOL:
        return "t" if v else "f"
    if oid == NUMERIC and isinstance(v, tuple):
        coefficient, scale = v
        digits = str(abs(coefficient)).rjust(scale + 1, "0")
        point = len(digits) - scale
        return ("-" if coefficient < 0 else "") + digits[:point] + ("." + digits[point:] if scale else "")
    if oid == FLOAT8:
        return repr(v).removesuffix(".0")
    if oid == BYTEA:
        return "\\\\x" + v.hex()
    if oid == DATE:
        return (datetime.date(1970, 1, 1) + datetime.timedelta(v)).isoformat()
    if oid in (TEXT, VARCHAR, BPCHAR):
        return v.decode().replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
    if oid in (INT2, INT4, INT8):
        return str(v)
    sys.exit("values of type %d are not decoded" % oid)

class Pairs:
    """The key-values of LSM tables."""
    def __init__(self, lines):
        self.pairs = dict(map(bytes.fromhex, line.split("\t")) for line in lines)
        mark = Reader(self.pairs[b"a"])
        check(mark.int(1) == 1, "the mark's version")
        self.lsn, partial = mark.int(8), mark.int(8)
        self.incarnations = set()  # of tables
        check(partial == 0, "a record of which a part is here: it is applied again, which this program does not")

    def rows(self, id, table):
        """Returns the rows of a table by their keys, after it has compared all that is here twice."""
        meta = self.pairs.get(b"b" + struct.pack(">I", id))
        if meta is None:
            return {}
        incarnation, count = struct.unpack("<QQ", meta[1:17])
        self.incarnations.add(incarnation)
        prefix = b"d" + struct.pack(">Q", incarnation)
        rows, expected = {}, 0
        for k, v in self.pairs.items():
            if not k.startswith(prefix + b"\0"):
                continue
            row_key, reference, row = k[10:], v[1:9], read_row(Reader(v), table.types)
            check(table.key(row) == row_key, "a row of %s under another key" % table.name)
            others = [b"\1" + reference[::-1]]
            for i, positions in table.unique.items():
                if all(row[c] is not None for c in positions):
                    others.append(b"\2" + struct.pack(">H", i) + table.key(row, positions))
            for other in others:
                check(self.pairs.get(prefix + other) == row_key, "a row of %s that %s does not lead to" % (table.name, other.hex()))
            rows[row_key] = row
            expected += 1 + len(others)
        check(len(rows) == count, "%d rows of %s, not %d" % (len(rows), table.name, count))
        check(expected == sum(k.startswith(prefix) for k in self.pairs), "entries of %s that lead to no row" % table.name)
        return rows

def read_row(r, types):
    check(r.int(1) == 1, "the row's version")
    r.take(24)  # reference, LSNs
    nulls = int.from_bytes(r.take((len(types) + 7) // 8), "little")
    row = tuple(None if nulls >> i & 1 else read_value(r, oid) for i, oid in enumerate(types))
    check(r.left() == 0, "a row has more than its columns")
    return row

def read_value(r, oid):
    if oid in INTEGERS:
        return r.s()
    if oid == FLOAT8:
        return struct.unpack("<d", r.take(8))[0]
    if oid != NUMERIC:
        return r.take(r.u())
    form, scale = r.int(1), r.s()
    if form == 0:
        return r.s(), scale
    check(form == 1, "numerics of form %d are not decoded" % form)
    high, low = r.int(8), r.int(8)
    return signed(high << 64 | low, 128), scale

def main(directory, pairs=None):
    db, loads = Database(), []
    if os.path.exists(os.path.join(directory, "CHECKPOINT")):
        lsn, blocks, _ = snapshots(directory)
        loads.append((lsn, "columnar", lambda: load_blocks(db, blocks)))
    if pairs:
        pairs = Pairs(read(pairs).decode().splitlines())
        loads.append((pairs.lsn, "lsm", lambda: load_pairs(db, pairs)))
    db.after = {"columnar": 0}
    db.after.update((method, lsn) for lsn, method, _ in loads)
    checkpoint = read_checkpoint(db, directory)
    for lsn, changes, entries in commits(directory):
        loads = load(loads, lsn)
        for c in changes if lsn > checkpoint else []:
            if isinstance(c, int):
                db.drop(c)
            else:
                db.put(c)
        db.apply(lsn, entries)
    load(loads, sys.maxsize)
    print("\n".join(sorted(db.lines())))

def load(loads, lsn):
    """Loads what files have as of LSNs before a commit's, when the catalog is as it was then. Returns what is still to be loaded."""
    for before, _, f in loads:
        if before < lsn:
            f()
    return [x for x in loads if x[0] >= lsn]

def load_blocks(db, blocks):
    for id, _, batch in blocks:
        if id in db.tables:
            db.insert(id, db.tables[id], batch)

def load_pairs(db, pairs):
    for id, table in db.tables.items():
        if table.method == "lsm":
            db.rows[id] = pairs.rows(id, table)
    incarnations = {struct.unpack(">Q", k[1:9])[0] for k in pairs.pairs if k[:1] == b"d"}
    check(incarnations <= pairs.incarnations, "rows of a table that is gone")

if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
