# SPDX-License-Identifier: Apache-2.0
"""Discovery and profile against peers, in one run, by user + system CPU time of each process.

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
    _, cpu, output = timed([hutong, "scan", "--text", "--json", path])
    spans = json.loads(output)["files"][0]["spans"]
    names = {"resident-id": "CN_ID", "mobile": "CN_MOBILE", "bank-card": "CN_BANK_CARD", "plate": "CN_PLATE",
             "credit-code": "CN_USCC", "email": "EMAIL_ADDRESS"}
    found = {(names[s["kind"]], raw[s["start"]:s["end"]].decode()) for s in spans if s["kind"] in names}
    wanted = {(kind, value) for _, kind, value in truth}
    right = len(found & wanted)
    speed = len(raw) / 1e6 / max(cpu - idle, 1e-9)
    print(f"discovery: {speed:.0f} MB/s a core, output included; precision {right / max(1, len(found)):.4f} "
          f"recall {right / max(1, len(wanted)):.4f} on the peers' corpus")

    patterns = [re.compile(pattern) for pattern, _ in P.values()]
    start = time.process_time()
    for pattern in patterns:
        sum(1 for _ in pattern.finditer(text))
    peer = len(raw) / 1e6 / (time.process_time() - start)
    print(f"python re, six passes: {peer:.0f} MB/s; ratio {speed / peer:.1f}")


def profile(hutong, shared, folder):
    files = sorted(glob.glob(os.path.join(shared, "data/beijing-air/*.csv")))
    path = os.path.join(folder, "air.csv")
    with open(path, "wb") as out:
        for place, file in enumerate(files):
            rows = open(file, "rb").read()
            out.write(rows if place == 0 else rows.split(b"\n", 1)[1])
    script = f"import duckdb; duckdb.sql(\"SUMMARIZE SELECT * FROM read_csv('{path}', nullstr='NA')\").fetchall()"
    ours, peers = [], []
    for _ in range(3):
        ours.append(timed([hutong, "profile", "--json", path])[:2])
        peers.append(timed([sys.executable, "-c", script])[:2])
    wall, cpu = min(ours)
    peer_wall, peer_cpu = min(peers)
    print(f"profile of {len(files)} files: {wall:.2f} s ({cpu:.2f} CPU-s); SUMMARIZE {peer_wall:.2f} s "
          f"({peer_cpu:.2f} CPU-s); ratio {wall / peer_wall:.2f} wall, {cpu / peer_cpu:.2f} CPU")


def main():
    hutong, shared = sys.argv[1:3]
    megabytes = float(sys.argv[3]) if len(sys.argv) > 3 else 20
    with tempfile.TemporaryDirectory() as folder:
        discovery(hutong, shared, megabytes, folder)
        profile(hutong, shared, folder)


main()
