#!/usr/bin/env python3
"""Lists what the log and the snapshot files of a database, or of a copy of its directory, have: see wal.md, commit.md, columnar.md.
rows.py, beside it, makes rows of that. Checksums that do not match end both.        usage: decode.py DIRECTORY"""
import os, struct, sys

TABLE = list(range(256))
for _ in range(8):
    TABLE = [n >> 1 ^ 0x82F63B78 * (n & 1) for n in TABLE]

def crc(data, c=0):
    """CRC-32C, begun with c."""
    c ^= 0xFFFFFFFF
    for byte in data:
        c = c >> 8 ^ TABLE[(c ^ byte) & 255]
    return c ^ 0xFFFFFFFF

def check(ok, what):
    if not ok:
        sys.exit("damaged: " + what)

def read(*path):
    with open(os.path.join(*path), "rb") as f:
        return f.read()

class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0
    def left(self):
        return len(self.data) - self.at
    def take(self, n):
        check(n <= self.left(), "too short")
        self.at += n
        return self.data[self.at - n:self.at]
    def int(self, size):
        return int.from_bytes(self.take(size), "little")
    def u(self):
        byte = self.int(1)
        return byte if byte < 128 else byte & 127 | self.u() << 7
    def s(self):
        x = self.u()
        return x >> 1 ^ -(x & 1)
    def list(self, each):
        return [each() for _ in range(self.u())]

def snapshots(directory, tier="columnar"):
    """Returns the LSN of a tier's snapshot, for each block its table, its chunk and its batch, and what follows in the manifest."""
    data, blocks = read(directory, tier, tier + ".manifest"), []
    check(data[:4] == b"LMMF" and crc(data[:-4]) == int.from_bytes(data[-4:], "little"), "manifest")
    lsn, _, n = struct.unpack("<QII", data[8:24])
    for at in range(24, 24 + 32 * n, 32):
        table, chunk, file, _, offset, size = struct.unpack("<IIIIQQ", data[at:at + 32])
        block = read(directory, tier, "%s-%08d.snap" % (tier, file))[offset:offset + size]
        check(struct.unpack("<II", block[:8]) == (size - 8, crc(block[8:])), "block of table %d" % table)
        blocks.append((table, chunk, Reader(block[8:])))
    return lsn, blocks, Reader(data[24 + 32 * n:-4])

def commits(directory):
    """Yields of each commit its LSN, its schema changes and its entries."""
    return ((lsn, *commit(r, early)) for lsn, kind, r, early in records(directory) if kind in (1, 5))

def records(directory):
    """Yields of each record that is no chunk its LSN, its kind, its payload, and what of that went ahead of it."""
    chunks, folder = {}, os.path.join(directory, "wal")
    for name in sorted(n for n in os.listdir(folder) if n.startswith("wal-")):
        data, epoch, at = read(folder, name), int(name[4:]), 64
        if data[:8] != b"LAMINLOG" or int.from_bytes(data[12:16], "little") != epoch:
            continue  # prepared, or of an earlier use
        check(crc(data[:60]) == int.from_bytes(data[60:64], "little"), name)
        while at + 56 <= len(data):
            head, length, position, _, lsn, _, _, body, kind, flags = struct.unpack("<IIQQQqIIBB", data[at:at + 50])
            payload = data[at + 56:at + 56 + length]
            if position != epoch << 32 | at or crc(data[at + 4:at + 56], crc(data[16:32])) != head or crc(payload) != body:
                break  # the end, which the file after seals
            if kind == 68:
                chunks[position] = payload
            else:
                r = Reader(payload)
                early = b"".join(chunks[r.int(8)] for _ in range(r.int(4))) if flags & 1 else b""
                yield (lsn, kind, Reader(early + r.take(r.left())), b"") if flags & 2 else (lsn, kind, r, early)
            at += 56 + (length + 7) // 8 * 8

def commit(r, early):
    """Returns changes (an encoded object, or the ID of what is dropped) and entries (table, version, operation, keys, batch)."""
    version, changes = r.int(1), r.list(lambda: r.take(r.u()) if r.int(1) == 1 else r.u())
    r.list(lambda: (r.u(), r.u()))  # hidden keys
    if version == 2:
        r.list(lambda: (r.u(), r.s(), r.int(1)))  # sequences
    rest, entries = Reader(early + r.take(r.left())), []
    while rest.left():
        e = Reader(rest.take(rest.int(4)))
        table, version, operation = e.u(), e.u(), e.int(1)
        entries.append((table, version, operation, [e.take(n) for n in e.list(e.u)] if operation in (2, 3) else [], e))
    return changes, entries

if __name__ == "__main__":
    for table, _, batch in snapshots(sys.argv[1])[1]:
        print("snapshot: table %d, %d rows" % (table, batch.u()))
    for lsn, changes, entries in commits(sys.argv[1]):
        for table, _, operation, keys, batch in entries:
            print("commit %d: table %d, operation %d, %d keys, %d rows" % (lsn, table, operation, len(keys), operation < 5 and batch.left() and batch.u()))
