#!/usr/bin/env python3
"""Prints the rows of all columnar tables of a closed database, or of a copy of its directory, from its files alone.

It follows the pages beside it and shares no code with the programs that write the files. A line is the table's name and
its values, tab-separated, as COPY writes them; the lines of a table are sorted. Checksums that do not match end it.

usage: decode.py DIRECTORY
"""
import datetime, os, struct, sys

TABLE = []
for n in range(256):
    for _ in range(8):
        n = n >> 1 ^ 0x82F63B78 if n & 1 else n >> 1
    TABLE.append(n)

def crc(data, start=0):
    """CRC-32C."""
    c = start ^ 0xFFFFFFFF
    for b in data:
        c = TABLE[(c ^ b) & 255] ^ c >> 8
    return c ^ 0xFFFFFFFF

def check(ok, what):
    if not ok:
        sys.exit("damaged: " + what)

class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0
    def left(self):
        return len(self.data) - self.at
    def take(self, n):
        check(n <= self.left(), "too short")
        self.at += n
        return self.data[self.at - n:self.at]
    def num(self, form):
        return struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))[0]
    def u(self):
        x = shift = 0
        while True:
            b = self.take(1)[0]
            x |= (b & 127) << shift
            shift += 7
            if b < 128:
                return x
    def s(self):
        x = self.u()
        return x >> 1 ^ -(x & 1)
    def string(self):
        return self.take(self.u()).decode()
    def list(self, each):
        return [each() for _ in range(self.u())]

class Table:
    def __init__(self, name, schema, columns, primary, layout):
        self.name, self.schema, self.columns, self.primary, self.layout = name, schema, columns, primary, layout

def read_object(r):
    """Returns kind, ID, version, schema, name and, for a table, what it is."""
    r = Reader(r.take(r.u()))
    kind, id, schema, version, name = r.num("B"), r.u(), r.u(), r.u(), r.string()
    table = None
    if kind == 2:
        method = r.string()
        columns = r.list(lambda: (r.string(), r.u(), r.s(), r.num("B"), r.string())[1])
        keys = r.list(lambda: (r.string(), r.num("B"), r.list(r.u)))
        r.list(lambda: (r.string(), r.string()))  # checks
        r.list(lambda: (r.string(), r.string()))  # options
        layout = 0
        while r.left():
            tag, content = r.num("B"), Reader(r.take(r.u()))
            layout = content.u() if tag == 1 else layout
        primary = next((k[2] for k in keys if k[1]), None)
        if method == "columnar":
            table = Table(name, schema, columns, primary, layout)
    return kind, id, version, schema, name, table

class Database:
    def __init__(self):
        self.tables, self.versions, self.schemas, self.rows = {}, {}, {}, {}

    def put(self, o):
        kind, id, version, _, name, table = o
        if kind == 1:
            self.schemas[id] = name
        if table:
            if id in self.tables and self.tables[id].layout != table.layout:
                self.rows[id] = {}
            self.tables[id] = self.versions[id, version] = table
            self.rows.setdefault(id, {})

    def drop(self, id):
        for m in (self.tables, self.schemas, self.rows):
            m.pop(id, None)

    def insert(self, id, version, r):
        """Adds the rows of a batch, by their keys."""
        table = self.versions[id, version]
        types = table.columns + ([20] if table.primary is None else [])
        for row in zip(*read_batch(r, types)):
            cols = [len(types) - 1] if table.primary is None else table.primary
            self.rows[id][b"".join(key(types[c], row[c], c == cols[-1]) for c in cols)] = row

    def entries(self, data):
        r = Reader(data)
        while r.left():
            e = Reader(r.take(r.num("I")))
            id, version, op = e.u(), e.u(), e.num("B")
            if op in (2, 3):
                for n in e.list(e.u):
                    self.rows[id].pop(e.take(n), None)
            if op in (1, 2):
                self.insert(id, version, e)
            if op == 4:
                self.rows[id] = {}

def key(oid, v, last):
    """The encoding of package index, for the types that keys of the tests have."""
    if oid == 21: return struct.pack(">H", (v & 0xFFFF) ^ 1 << 15)
    if oid in (23, 1082): return struct.pack(">I", (v & 0xFFFFFFFF) ^ 1 << 31)
    if oid in (20, 1083, 1114, 1184): return struct.pack(">Q", (v & (1 << 64) - 1) ^ 1 << 63)
    if oid in (25, 1043, 1042): return v if last else v.replace(b"\0", b"\0\xff") + b"\0\1"
    sys.exit("keys of type %d are not decoded" % oid)

def read_batch(r, types):
    n, columns = r.u(), r.u()
    check(columns == len(types), "%d columns, not %d" % (columns, len(types)))
    out = []
    for oid in types:
        tag = r.num("B")
        bits = r.take((n + 7) // 8) if tag & 16 else b"\xff" * ((n + 7) // 8)
        if tag & 15 == 0:
            width, base, scale = r.num("B"), r.s(), r.s() if oid == 1700 else None
            raw = r.take(n * width)
            values = [base + int.from_bytes(raw[i * width:(i + 1) * width], "little") for i in range(n)]
            if width == 8:
                values = [(v + (1 << 63)) % (1 << 64) - (1 << 63) for v in values]
            if scale is not None:
                values = [(v, scale) for v in values]
        elif tag & 15 == 1:
            scale = r.s()
            values = [(int.from_bytes(r.take(16), "little", signed=True), scale) for _ in range(n)]
        elif tag & 15 == 2:
            values = list(struct.unpack("<%dd" % n, r.take(8 * n)))
        else:
            values = [r.take(length) for length in [r.u() for _ in range(n)]]
        out.append([v if bits[i // 8] >> i % 8 & 1 else None for i, v in enumerate(values)])
    return out

def text(oid, v):
    if v is None: return "\\N"
    if oid == 16: return "t" if v else "f"
    if oid == 1700 and isinstance(v, tuple):
        digits = str(abs(v[0])).rjust(v[1] + 1, "0")
        return ("-" if v[0] < 0 else "") + (digits[:-v[1]] + "." + digits[-v[1]:] if v[1] else digits)
    if oid == 701: return repr(v).removesuffix(".0")
    if oid == 17: return "\\\\x" + v.hex()
    if oid == 1082: return (datetime.date(1970, 1, 1) + datetime.timedelta(v)).isoformat()
    if isinstance(v, bytes):
        for a, b in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n")):
            v = v.decode().replace(a, b).encode()
        return v.decode()
    return str(v)

def read(*path):
    with open(os.path.join(*path), "rb") as f:
        return f.read()

def read_checkpoint(db, directory):
    """Returns the LSN up to which the snapshot files have everything."""
    if not os.path.exists(os.path.join(directory, "CHECKPOINT")):
        return 0
    data = read(directory, "CHECKPOINT")
    check(data[:8] == b"LAMINCKP" and crc(data[:-4]) == struct.unpack("<I", data[-4:])[0], "CHECKPOINT")
    r = Reader(data[20:-4])
    r.take(16 + 24)  # identity of the log, LSN, time, position
    r.list(lambda: (r.u(), r.u()))  # hidden keys
    version = struct.unpack("<I", data[8:12])[0]
    if version == 2:
        r.list(lambda: (r.u(), r.s(), r.num("B")))  # sequences
    r.list(lambda: (r.string(), r.u()))  # tiers
    r.u()
    for o in r.list(lambda: read_object(r)):
        db.put(o)
    for _, (_, id, version, _, _, table) in r.list(lambda: (r.u(), read_object(r))):
        db.versions[id, version] = table
    return read_snapshots(db, directory)

def read_snapshots(db, directory):
    data = read(directory, "columnar", "columnar.manifest")
    check(data[:4] == b"LMMF" and crc(data[:-4]) == struct.unpack("<I", data[-4:])[0], "manifest")
    lsn, _, n = struct.unpack("<QII", data[8:24])
    for i in range(n):
        id, _, number, rows, offset, size = struct.unpack("<IIIIQQ", data[24 + 32 * i:56 + 32 * i])
        block = read(directory, "columnar", "columnar-%08d.snap" % number)[offset:offset + size]
        length, sum = struct.unpack("<II", block[:8])
        check(length == size - 8 and crc(block[8:]) == sum, "block of table %d" % id)
        if id in db.tables:
            table = db.tables[id]
            db.versions[id, 0] = table
            db.insert(id, 0, Reader(block[8:]))
    return lsn

def read_log(db, directory, after):
    chunks = {}
    folder = os.path.join(directory, "wal")
    for name in sorted(n for n in os.listdir(folder) if n.startswith("wal-")):
        data = read(folder, name)
        epoch = int(name[4:])
        if data[:8] != b"LAMINLOG" or struct.unpack("<I", data[12:16])[0] != epoch:
            continue  # prepared, or of an earlier use
        check(crc(data[:60]) == struct.unpack("<I", data[60:64])[0], name)
        seed, at = crc(data[16:32]), 64
        while at + 56 <= len(data):
            sum, length, position, _, lsn, _, _, payload_sum, kind, flags = struct.unpack("<IIQQQqIIBB", data[at:at + 50])
            payload = data[at + 56:at + 56 + length]
            if position != epoch << 32 | at or crc(data[at + 4:at + 56], seed) != sum or crc(payload) != payload_sum:
                break  # the end, which the file after seals
            if kind == 68:
                chunks[position] = payload
            if kind == 1 and lsn > after:
                commit(db, payload, flags, chunks)
            at += 56 + (length + 7) // 8 * 8

def commit(db, payload, flags, chunks):
    r, early = Reader(payload), b""
    if flags & 1:
        early = b"".join(chunks[r.num("Q")] for _ in range(r.num("I")))
        if flags & 2:
            r, early = Reader(early + r.take(r.left())), b""
    version = r.num("B")
    for _ in range(r.u()):
        if r.num("B") == 1:
            db.put(read_object(r))
        else:
            db.drop(r.u())
    r.list(lambda: (r.u(), r.u()))  # hidden keys
    if version == 2:
        r.list(lambda: (r.u(), r.s(), r.num("B")))  # sequences
    db.entries(early + r.take(r.left()))

def main(directory):
    db = Database()
    read_log(db, directory, read_checkpoint(db, directory))
    lines = []
    for id, table in db.tables.items():
        for row in db.rows[id].values():
            values = [text(oid, v) for oid, v in zip(table.columns, row)]
            lines.append("\t".join([db.schemas[table.schema] + "." + table.name] + values))
    print("\n".join(sorted(lines)))

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
