#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Three noised aggregates by group over 10^6 rows, asked of a running node over HTTP by a buyer with an account: decided,
run, noised, sealed, charged, settled and logged. Answers leave on a grid of 50 ms, so the work before it is told as the
step it fell into, and the node's own CPU time a question beside it.

over_http.py HUTONG PEOPLE.csv [ROUNDS]
"""
import os
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../Tests/Crash"))
from cleanroom import Room  # noqa: E402

REGIONS = [f"r{n}" for n in range(10)]
RULES = {"rules": 1, "privacy": {"mechanism": "laplace", "epsilon": "1", "total": "100"}, "tables": {"people": {
    "unit": {"column": "pid", "rows": 1}, "columns": {
        "pid": "hidden", "region": {"use": "group-only", "values": REGIONS},
        "age": {"use": "aggregate-only", "bounds": [18, 90]}, "income": {"use": "aggregate-only", "bounds": [0, 200000]}}}}}


def cpu(process):
    with open(f"/proc/{process.pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    binary, people = sys.argv[1], sys.argv[2]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 9
    with tempfile.TemporaryDirectory() as folder:
        room = Room(binary, os.path.join(folder, "node"))
        room.start()
        room.publish(people, "people", RULES)
        room.buyer("buyer")
        sql = "SELECT region, count(*) AS n, sum(income) AS income, avg(age) AS age FROM people GROUP BY region LIMIT "
        room.question(sql + "999")  # The first question of a version looks whether a person has one row.
        walls, work = [], []
        for number in range(rounds):
            begun, used = time.perf_counter(), cpu(room.process)
            room.question(sql + str(100 + number))
            walls.append(time.perf_counter() - begun)
            work.append(cpu(room.process) - used)
        room.kill()
    best = min(walls)
    print(f"over HTTP, 10^6 rows, ε = 1: best {best * 1000:.0f} ms to the reader, of which the grid's last step of 50 ms; "
          f"work before it at most {int(best / 0.05) * 50} ms; median {sorted(walls)[rounds // 2] * 1000:.0f} ms; "
          f"node's CPU {min(work) * 1000:.0f} ms a question")


if __name__ == "__main__":
    main()
