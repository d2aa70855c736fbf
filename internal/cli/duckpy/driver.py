# Runs DuckDB for a benchmark: reads a line of JSON from the standard input, does what it says, and answers with a line of JSON.
# The time of a query is that of executing it and fetching all rows as an Arrow table; rows become text afterwards.
import decimal
import json
import os
import sys
import time

import duckdb
import pyarrow


def text(value):
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, float):
        return repr(value)
    return str(value)


def peak():
    kib = 0
    try:
        with open("/proc/self/status") as f:
            for line in f:
                if line.startswith("VmHWM:"):
                    kib = int(line.split()[1])
        with open("/proc/self/clear_refs", "w") as f:
            f.write("5")
    except OSError:
        pass
    return kib * 1024


class Driver:
    def __init__(self):
        self.connection = None

    def open(self, r):
        config = {"threads": r["threads"], "memory_limit": "%dMiB" % r["memory_mib"]}
        self.connection = duckdb.connect(r["file"], config=config)
        self.connection.execute("SET enable_progress_bar = false")
        names = ("threads", "memory_limit", "checkpoint_threshold")
        values = ["%s=%s" % (n, self.connection.execute("SELECT current_setting('%s')" % n).fetchall()[0][0]) for n in names]
        version = self.connection.execute("SELECT version()").fetchall()[0][0]
        return {"text": "DuckDB %s (Python %d.%d, pyarrow %s, a process of its own, a file): %s" % (
            version, sys.version_info[0], sys.version_info[1], pyarrow.__version__, ", ".join(values))}

    def exec(self, r):
        start = time.perf_counter()
        self.connection.execute(r["sql"]).fetchall()
        return {"ms": (time.perf_counter() - start) * 1e3}

    def query(self, r):
        start = time.perf_counter()
        table = self.connection.sql(r["sql"]).to_arrow_table()  # of a cursor it would copy the rows once more
        answer = {"ms": (time.perf_counter() - start) * 1e3, "count": table.num_rows, "columns": table.column_names}
        if r.get("rows"):
            columns = [[text(v) for v in c.to_pylist()] for c in table.columns]
            answer["rows"] = [list(row) for row in zip(*columns)]
        return answer

    def peak(self, r):
        return {"bytes": peak()}

    def finish(self, r):
        self.connection.close()
        self.connection = None
        return {}


def main():
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    driver = Driver()
    operations = {"open": driver.open, "exec": driver.exec, "query": driver.query, "peak": driver.peak, "finish": driver.finish}
    for line in sys.stdin:
        try:
            request = json.loads(line)
            answer = operations[request["op"]](request)
        except Exception as e:
            answer = {"error": "%s: %s" % (type(e).__name__, e)}
        out.write(json.dumps(answer) + "\n")
        out.flush()


main()
