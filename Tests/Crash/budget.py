#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills a holder's node with SIGKILL while 64 askers question it, again and again, and then counts: never overspent, never
charged without a stored answer, never answered without a charge.

budget.py --binary HUTONG [--rounds 5]
"""
import argparse
import os
import sqlite3
import tempfile
import threading
import time
import urllib.error
import uuid
from http.client import HTTPException

from cleanroom import Refused, Room

ASKERS, TOTAL, EACH = 64, 6, 0.5
RULES = {"rules": 1, "privacy": {"mechanism": "laplace", "epsilon": str(EACH), "total": str(TOTAL)}, "tables": {"visits": {
    "unit": {"column": "person", "rows": 1}, "columns": {"person": "hidden", "age": {"use": ["filter", "aggregate"],
                                                                                   "bounds": [0, 110]}}}}}


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--binary", required=True)
    options.add_argument("--rounds", type=int, default=5)
    options = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "visits.csv")
        with open(file, "w") as f:
            f.write("person,age\n" + "".join(f"{n},{n % 90}\n" for n in range(2000)))
        room = Room(options.binary, os.path.join(folder, "node"))
        room.start()
        room.publish(file, "visits", RULES)
        room.buyer("buyer")
        told = storm(room, options.rounds)
        check(room, told)
        room.kill()


def storm(room, rounds):
    """Every asker has a question and a passage of its own and asks until it is answered or refused for good."""
    told, refused, lock, over = {}, set(), threading.Lock(), threading.Event()

    def ask(number):
        passage = str(uuid.uuid4())
        while not over.is_set():
            try:
                answer = room.question(f"SELECT count(*) AS n FROM visits WHERE age > {number}", passage)["answer"]
                with lock:
                    told[number] = answer
                return
            except Refused as problem:
                if str(problem) == "valve.privacy-spent":
                    refused.add(number)
                    return
                if str(problem) == "compute.passage-voided":
                    passage = str(uuid.uuid4())
                time.sleep(0.05)
            except (OSError, urllib.error.URLError, HTTPException, ValueError):
                time.sleep(0.05)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(ASKERS)]
    for thread in threads:
        thread.start()
    for number in range(rounds):
        time.sleep(0.15 + 0.23 * number)
        room.kill()
        room.start()
    deadline = time.time() + 900
    for thread in threads:
        thread.join(max(1, deadline - time.time()))
    over.set()
    assert len(told) + len(refused) == ASKERS, f"{len(told)} told, {len(refused)} refused"
    return told


def check(room, told):
    budget = room.ask("GET", "/api/v1/budgets/" + room.listing)
    most = int(TOTAL / EACH)
    base = sqlite3.connect(os.path.join(room.folder, "node.sqlite"))
    one = lambda sql: base.execute(sql).fetchone()[0]
    charges = one("SELECT count(*) FROM valve_privacy_charge WHERE state = 1")
    stored = one("SELECT count(*) FROM valve_privacy_charge c WHERE state = 1 AND EXISTS (SELECT 1 FROM valve_passage p "
                 "WHERE p.id = c.passage AND p.side = 'holder' AND p.state = 'answered' AND p.answer IS NOT NULL)")
    answered = one("SELECT count(*) FROM valve_passage WHERE side = 'holder' AND state = 'answered'")
    print(f"told {len(told)}, charges {charges}, answers {answered}, spent {budget['spent']} of {TOTAL}")
    assert float(budget["spent"]) <= TOTAL, "overspent"
    assert charges == stored == answered == len(told) == most, "a charge without its answer, or an answer without"


if __name__ == "__main__":
    main()
