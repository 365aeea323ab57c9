#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Crashes of the books, enumerated. docs/design/crash-points.md says what and why.

crash.py faults --binary HUTONG [--commands 200]   every writing system call x every fault, then recovery
crash.py states --binary HUTONG [--commands 10000] one recorded run, every prefix x unsynced writes dropped/kept/torn

Recovery is checked here with Python's own SQLite, not with our code. Ends with 1 if anything was lost or half done.
"""
import argparse, concurrent.futures, os, shutil, sqlite3, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
FAULTS = {"eio": "e", "enospc": "n", "short": "s", "persisted": "p"}


def verify(folder, acknowledged):
    """What is wrong with a recovered database; None if nothing is."""
    db = sqlite3.connect(os.path.join(folder, "node.sqlite"))
    try:
        one = lambda sql: db.execute(sql).fetchone()[0]
        if one("PRAGMA integrity_check") != "ok":
            return "the file is damaged"
        booked = {row[0].hex() for row in db.execute(
            "SELECT id FROM ledger_transfer WHERE code = 3 AND refusal = 0")}
        lost = acknowledged - booked
        if lost:
            return f"{len(lost)} acknowledged operations lost"
        parts = [len(booked), one("SELECT count(*) FROM transparency_leaf"),
                 one("SELECT count(*) FROM metering_event"), one("SELECT used FROM metering_grant"),
                 one("SELECT count(*) FROM metering_reservation WHERE state = 1")]
        if len(set(parts)) != 1:
            return f"half operations: {parts}"
        if one("SELECT sum(debits_posted) - sum(credits_posted) FROM ledger_account") != 0:
            return "the books do not sum to zero"
        wrong = one("""
            SELECT count(*) FROM ledger_account a WHERE debits_posted <> (SELECT coalesce(sum(amount), 0)
            FROM ledger_transfer WHERE debit = a.number) OR credits_posted <> (SELECT coalesce(sum(amount), 0)
            FROM ledger_transfer WHERE credit = a.number)""") if len(booked) <= 500 else 0
        return "balances differ from the transfers" if wrong else None
    except sqlite3.DatabaseError as error:
        return f"not readable: {error}"
    finally:
        db.close()


def acks(folder):
    try:
        with open(os.path.join(folder, "acks")) as file:
            return {line.split()[1] for line in file if line.endswith("\n")}
    except FileNotFoundError:
        return set()


class Bench:
    def __init__(self, binary, commands, clients):
        self.binary, self.commands, self.clients = os.path.abspath(binary), commands, clients
        self.root = tempfile.mkdtemp(prefix="hutong-crash-")
        self.shim = os.path.join(self.root, "fault.so")
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", self.shim, os.path.join(HERE, "fault.c"), "-ldl"],
                       check=True)
        self.template = os.path.join(self.root, "template")
        os.mkdir(self.template)
        self.hutong(self.template, 0, {}).check_returncode()

    def hutong(self, folder, commands, environment):
        return subprocess.run(
            [self.binary, "ledger", "workload", "--data", folder, "--commands", str(commands),
             "--clients", str(self.clients)],
            env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=600)

    def preloaded(self, folder, **environment):
        return {"LD_PRELOAD": self.shim, "HUTONG_FAULT_DIR": folder, **environment}

    def fault(self, number, name):
        """One run with one fault. Answers (whether the fault was reached, exit status, what is wrong)."""
        folder = os.path.join(self.root, f"{number}-{name}")
        shutil.copytree(self.template, folder)
        hit = folder + ".hit"
        run = self.hutong(folder, self.commands, self.preloaded(
            folder, HUTONG_FAULT=f"{number}:{FAULTS[name]}", HUTONG_FAULT_HIT=hit))
        wrong = verify(folder, acks(folder))
        if not wrong and run.returncode not in (0, 1, 3):
            wrong = f"ended with status {run.returncode}"
        shutil.rmtree(folder)
        reached = os.path.exists(hit)
        if reached:
            os.unlink(hit)
        return reached, run.returncode, wrong

    def faults(self):
        """Every call in turn, until a run ends before it comes to the call."""
        runs, statuses, violations = 0, {}, []
        with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
            for name in FAULTS:
                first = 1
                while True:
                    numbers = range(first, first + 16)
                    results = list(pool.map(lambda number: self.fault(number, name), numbers))
                    for number, (reached, status, wrong) in zip(numbers, results):
                        if reached:
                            runs += 1
                            statuses[status] = statuses.get(status, 0) + 1
                        if wrong:
                            violations.append(f"call {number}, {name}: {wrong}")
                    if not any(reached for reached, _, _ in results):
                        break
                    first += 16
        print(f"{runs} faults at every writing call of {self.commands} commands: "
              f"{len(violations)} violations; exit statuses {dict(sorted(statuses.items()))}")
        return violations

    def states(self):
        """Records one run, then recovers from every crash state of every prefix."""
        folder, trace = os.path.join(self.root, "recorded"), os.path.join(self.root, "trace")
        shutil.copytree(self.template, folder)
        self.hutong(folder, self.commands, self.preloaded(folder, HUTONG_TRACE=trace)).check_returncode()
        files = {name: bytearray(open(os.path.join(self.template, name), "rb").read())
                 for name in os.listdir(self.template) if name.startswith("node.sqlite") and "-shm" not in name}
        synced = {name: bytes(content) for name, content in files.items()}
        pending, acknowledged, violations, checked = [], set(), [], 0

        def recover(variant, contents):
            place = os.path.join(self.root, "state")
            shutil.rmtree(place, ignore_errors=True)
            os.mkdir(place)
            for name, content in contents.items():
                with open(os.path.join(place, name), "wb") as file:
                    file.write(content)
            wrong = verify(place, acknowledged)
            if wrong:
                violations.append(f"operation {operations}, {variant}: {wrong}")

        def apply(contents, operation, torn=False):
            kind, name, offset, data = operation
            content = contents.setdefault(name, bytearray())
            if kind == "T":
                del content[offset:]
                content.extend(bytes(offset - len(content)))
                return
            data = data[:len(data) // 2 // 512 * 512] if torn else data
            if len(content) < offset:
                content.extend(bytes(offset - len(content)))
            content[offset:offset + len(data)] = data

        operations = 0
        with open(trace, "rb") as log:
            while head := log.readline():
                kind, name, offset, count = head.decode().split()
                data = log.read(int(count)) if kind in "WA" else b""
                operations += 1
                if kind == "A":
                    acknowledged |= {line.split()[1] for line in data.decode().splitlines()}
                    continue
                if kind == "S":
                    synced[name] = bytes(files.get(name, b""))
                    pending = [operation for operation in pending if operation[1] != name]
                    continue
                operation = (kind, name, int(offset), data)
                pending.append(operation)
                apply(files, operation)
                if self.stride > 1 and operations % self.stride:
                    continue
                recover("unsynced writes dropped", synced)
                recover("unsynced writes kept", files)
                torn = {name: bytearray(content) for name, content in synced.items()}
                for earlier in pending[:-1]:
                    apply(torn, earlier)
                apply(torn, operation, torn=True)
                recover("last write torn at 512 B", torn)
                last = {name: bytearray(content) for name, content in synced.items()}
                apply(last, operation)
                recover("only the last unsynced write kept", last)
                checked += 4
        print(f"{checked} crash states of {operations} operations ({self.commands} commands): "
              f"{len(violations)} violations")
        return violations


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("what", choices=["faults", "states"])
    arguments.add_argument("--binary", required=True)
    arguments.add_argument("--commands", type=int, default=200)
    arguments.add_argument("--clients", type=int, default=40)
    arguments.add_argument("--stride", type=int, default=1, help="states: look at every n-th operation only")
    options = arguments.parse_args()
    bench = Bench(options.binary, options.commands, options.clients)
    bench.stride = options.stride
    try:
        violations = bench.faults() if options.what == "faults" else bench.states()
    finally:
        shutil.rmtree(bench.root, ignore_errors=True)
    for violation in violations[:20]:
        print(violation)
    sys.exit(1 if violations else 0)


main()
