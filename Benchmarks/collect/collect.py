# SPDX-License-Identifier: Apache-2.0
"""Discovery, profile, publication and de-identification against peers, in one run, by the CPU time of each process.

usage: collect.py HUTONG SHARED [MEGABYTES]
Needs the PyPI package duckdb (the profile's peer); hyperscan is measured where it is installed.
"""
import glob
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time


def timed(command):
    """Wall and CPU seconds of a child process, and its standard output."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    output = subprocess.run(command, capture_output=True, check=True).stdout
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, output


def discovery(hutong, shared, megabytes, folder):
    sys.path.insert(0, os.path.join(shared, "peers"))
    from deid_patterns import P
    from deid_text import make

    lines, truth = make(int(megabytes * 1e6))
    text = "\n".join(lines)
    raw = text.encode()
    path = os.path.join(folder, "text.txt")
    with open(path, "wb") as file:
        file.write(raw)
    with open(os.path.join(folder, "empty.txt"), "wb"):
        pass
    _, idle, _ = timed([hutong, "scan", "--text", "--json", os.path.join(folder, "empty.txt")])
    _, cpu, _ = timed([hutong, "scan", "--text", "--counts", "--json", path])
    output = timed([hutong, "scan", "--text", "--json", path])[2]
    spans = json.loads(output)["files"][0]["spans"]
    names = {"resident-id": "CN_ID", "mobile": "CN_MOBILE", "bank-card": "CN_BANK_CARD", "plate": "CN_PLATE",
             "credit-code": "CN_USCC", "email": "EMAIL_ADDRESS"}
    found = {(names[s["kind"]], raw[s["start"]:s["end"]].decode()) for s in spans if s["kind"] in names}
    wanted = {(kind, value) for _, kind, value in truth}
    right = len(found & wanted)
    speed = len(raw) / 1e6 / max(cpu - idle, 1e-9)
    print(f"discovery: {speed:.0f} MB/s a core, validated, reading included; precision {right / max(1, len(found)):.4f} "
          f"recall {right / max(1, len(wanted)):.4f} on the peers' corpus")

    patterns = [re.compile(pattern) for pattern, _ in P.values()]
    start = time.process_time()
    for pattern in patterns:
        sum(1 for _ in pattern.finditer(text))
    peer = len(raw) / 1e6 / (time.process_time() - start)
    print(f"python re, six passes: {peer:.0f} MB/s; ratio {speed / peer:.1f}")
    peer = hyperscan_speed(raw)
    print("Hyperscan: not installed" if peer is None else
          f"Hyperscan, offsets, no validation: {peer:.0f} MB/s; ratio {speed / peer:.1f} (aim 3)")


def hyperscan_speed(text_bytes):
    """MB/s of Hyperscan with the same six patterns and offsets; None where it is not installed."""
    try:
        import hyperscan
    except ImportError:
        return None
    from deid_patterns import P

    database = hyperscan.Database()
    expressions = [pattern.encode() for pattern, _ in P.values()]
    flags = [hyperscan.HS_FLAG_UTF8 | hyperscan.HS_FLAG_SOM_LEFTMOST] * len(expressions)
    try:
        database.compile(expressions=expressions, ids=list(range(len(expressions))), elements=len(expressions),
                         flags=flags)
    except hyperscan.error:
        # Look-arounds are not in its language: the patterns without them find a superset.
        expressions = [re.sub(rb"\(\?<?[!=][^)]*\)", b"", e) for e in expressions]
        database.compile(expressions=expressions, ids=list(range(len(expressions))), elements=len(expressions),
                         flags=flags)
    start = time.process_time()
    database.scan(text_bytes, match_event_handler=lambda *_: None)
    return len(text_bytes) / 1e6 / (time.process_time() - start)


def table(folder, name, sql):
    """A CSV file of a DuckDB query."""
    import duckdb

    path = os.path.join(folder, name)
    duckdb.sql(f"COPY ({sql}) TO '{path}' (FORMAT csv, HEADER)")
    return path


def against(ours, peer, rounds=2):
    """Least wall and CPU seconds of two commands, run in turn."""
    one, other = [], []
    for _ in range(rounds):
        one.append(timed(ours)[:2])
        other.append(timed(peer)[:2])
    return tuple(map(min, zip(*one))), tuple(map(min, zip(*other)))


def profile(hutong, folder):
    path = table(folder, "wide.csv", """
        SELECT range AS id, (hash(range) % 100000)::INTEGER AS a, (hash(range * 3) % 1000 / 10.0)::DECIMAL(6,1) AS b,
               'S' || hash(range * 5) % 40 AS c, DATE '2020-01-01' + (hash(range * 7) % 1500)::INTEGER AS d,
               (hash(range * 11) % 90000 + 10000)::VARCHAR AS e, hash(range * 13) % 2 = 0 AS f,
               (hash(range * 17) % 10000 / 100.0)::DECIMAL(8,2) AS g, 'text ' || hash(range * 19) % 100000 AS h,
               (hash(range * 23) % 24)::INTEGER AS i FROM range(1000000)""")
    script = f"import duckdb; duckdb.sql(\"SUMMARIZE SELECT * FROM read_csv('{path}')\").fetchall()"
    (wall, cpu), (peer_wall, peer_cpu) = against([hutong, "profile", "--json", path], [sys.executable, "-c", script])
    print(f"profile of 1,000,000 x 10: {wall:.2f} s ({cpu:.2f} CPU-s); SUMMARIZE {peer_wall:.2f} s ({peer_cpu:.2f} CPU-s); "
          f"ratio {wall / peer_wall:.2f} wall, {cpu / peer_cpu:.2f} CPU (aim 2)")


def publish(hutong, shared, folder):
    """Read, type, profile, look through, grade, register 420,768 rows into a stopped node's folder."""
    files = sorted(glob.glob(os.path.join(shared, "data/beijing-air/*.csv")))
    if not files:
        return print("publish: skipped, no air data")
    data = os.path.join(folder, "node")
    server = subprocess.Popen([hutong, "serve", "--data", data, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    while not os.path.exists(os.path.join(data, "keys/operator.token")):
        time.sleep(0.1)
    time.sleep(1)
    server.terminate()
    server.wait()
    ours = [hutong, "publish", *files, "--title", "air", "--owner", "Center", "--ground", "own-operation", "--document",
            "rules", "--confirm", "--data", data, "--json"]
    script = f"import duckdb; duckdb.sql(\"SUMMARIZE SELECT * FROM read_csv({files}, nullstr='NA')\").fetchall()"
    (wall, cpu), (peer_wall, peer_cpu) = against(ours, [sys.executable, "-c", script])
    print(f"publish of 420,768 rows: {wall:.2f} s ({cpu:.2f} CPU-s); DuckDB read and SUMMARIZE {peer_wall:.2f} s "
          f"({peer_cpu:.2f} CPU-s); ratio {wall / peer_wall:.2f} wall, {cpu / peer_cpu:.2f} CPU (aim 3)")


def recipe(folder, name, lines):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write("recipe: bench\n" + lines)
    return path


def deidentify(hutong, folder):
    quasi = ", ".join(f"hash(range * {n}) % {m} AS q{n}" for n, m in ((1, 73), (3, 2), (7, 400), (11, 12), (13, 31), (17, 50)))
    for rows, k, columns in ((100_000, 10, 3), (1_000_000, 10, 6)):
        path = table(folder, f"people{rows}.csv", f"SELECT {quasi}, hash(range * 19) % 9 AS s FROM range({rows})")
        names = [f"q{n}" for n in (1, 3, 7, 11, 13, 17)]
        steps = "".join(f"  {name}: {'quasi' if place < columns else 'suppress'}\n" for place, name in enumerate(names))
        rule = recipe(folder, f"people{rows}.yaml", f"k: {k}\ncolumns:\n{steps}  s: sensitive\n")
        out = os.path.join(folder, "out.parquet")
        process = subprocess.Popen([hutong, "deidentify", path, "--recipe", rule, "--out", out, "--json"],
                                   stdout=subprocess.PIPE)
        start = time.perf_counter()
        report = json.loads(process.stdout.read())
        _, _, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        print(f"k-anonymity k={k} on {rows:,} x {columns}: {wall:.2f} s, {usage.ru_utime + usage.ru_stime:.2f} CPU-s, "
              f"{usage.ru_maxrss / 1024:.0f} MiB, reading and writing included; k reached {report['k']['after']}, "
              f"{report['groups']} groups")


def encrypt(hutong, folder):
    rows = 1_000_000
    path = table(folder, "cards.csv", f"SELECT (9000000000000000 + range * 7919)::VARCHAR || '' AS n FROM range({rows})")
    seconds = {}
    for step in ("encrypt", "{prefix: 16}"):
        rule = recipe(folder, "cards.yaml", f"columns:\n  n: {step}\n")
        command = [hutong, "deidentify", path, "--recipe", rule, "--out", os.path.join(folder, "o.parquet"), "--json"]
        seconds[step] = min(timed(command)[1] for _ in range(2))
    spent = seconds["encrypt"] - seconds["{prefix: 16}"]
    print(f"FF1 on 16-digit numbers: {rows / spent / 1e6:.2f} million a CPU-second, above the same job without it (aim 2)")


def main():
    hutong, shared = sys.argv[1:3]
    megabytes = float(sys.argv[3]) if len(sys.argv) > 3 else 20
    with tempfile.TemporaryDirectory() as folder:
        discovery(hutong, shared, megabytes, folder)
        profile(hutong, folder)
        publish(hutong, shared, folder)
        deidentify(hutong, folder)
        encrypt(hutong, folder)


main()
