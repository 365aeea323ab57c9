#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Crashes of the books, enumerated. docs/design/crash-points.md says what and why.

crash.py faults --binary HUTONG [--commands 200]   every writing system call x every fault, then recovery
crash.py states --binary HUTONG [--commands 10000] one recorded run, every prefix x unsynced writes dropped/kept/torn

Recovery is checked here with Python's own SQLite, not with our code. Ends with 1 if anything was lost or half done.
"""
import argparse, collections, concurrent.futures, contextlib, os, shutil, sqlite3, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
FAULTS = {"eio": "e", "enospc": "n", "short": "s", "persisted": "p"}


def verify(folder, acknowledged, how="", judged=None):
    """What is wrong with a recovered database; None if nothing is. `judged` holds the last databases that were found
    right, each with the number of promises it was held against: what recovery makes the same, byte for byte, needs no
    second look."""
    db = sqlite3.connect(f"file:{folder}/node.sqlite{how}", uri=True)
    try:
        if judged is not None:
            found = len(acknowledged), db.serialize()
            if found in judged:
                return None
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
        if wrong:
            return "balances differ from the transfers"
        if judged is not None:
            judged.append(found)
        return None
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
        files = [name for name in os.listdir(self.template) if name.startswith("node.sqlite") and "-shm" not in name]
        # The crash states are computed, not left by a real crash: memory will do to recover them in.
        memory = tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else self.root)
        judged = collections.deque(maxlen=4)
        kept, disk = (Files(os.path.join(memory, name), self.template, files) for name in ("kept", "disk"))
        acknowledged, violations, operations, checked, seen = set(), [], 0, 0, None

        def recover(variant, state):
            nonlocal checked
            checked += 1
            wrong = state.wrong(acknowledged, judged)
            if wrong:
                violations.append(f"operation {operations}, {variant}: {wrong}")

        try:
            with open(trace, "rb") as log:
                while head := log.readline():
                    kind, name, offset, count = head.decode().split()
                    data = log.read(int(count)) if kind in "WA" else b""
                    operations += 1
                    if kind == "A":
                        acknowledged |= {line.split()[1] for line in data.decode().splitlines()}
                        continue
                    if kind == "S":
                        disk.take(name, kept)
                        seen = None
                        continue
                    looks = operations % self.stride == 0
                    if looks and seen != len(acknowledged):
                        # Until the next sync the disk alone stays what it is, and so does what was promised.
                        recover("unsynced writes dropped", disk)
                        seen = len(acknowledged)
                    if looks and kind == "W":
                        kept.write(name, int(offset), data[:len(data) // 2 // 512 * 512])
                        recover("last write torn at 512 B", kept)
                    kept.apply(kind, name, int(offset), data)
                    if looks:
                        recover("unsynced writes kept", kept)
                        with disk.passing(kind, name, int(offset), data):
                            recover("only the last unsynced write kept", disk)
        finally:
            shutil.rmtree(memory, ignore_errors=True)
        print(f"{checked} different crash states of {operations} operations ({self.commands} commands): "
              f"{len(violations)} violations")
        return violations


class Files:
    """A database and its log as they lie on a disk. Recovery only reads them: SQLite opens them for reading, which
    rebuilds the index of the log as any opening does and leaves both files as they are."""

    def __init__(self, folder, template, names):
        self.folder = folder
        os.mkdir(folder)
        for name in names:
            shutil.copyfile(os.path.join(template, name), os.path.join(folder, name))

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, offset, data):
        file = os.open(self.path(name), os.O_RDWR | os.O_CREAT)
        os.pwrite(file, data, offset)
        os.close(file)

    def apply(self, kind, name, offset, data):
        if kind == "W":
            self.write(name, offset, data)
            return
        self.write(name, 0, b"")
        os.truncate(self.path(name), offset)

    def take(self, name, other):
        if os.path.exists(other.path(name)):
            shutil.copyfile(other.path(name), self.path(name))

    @contextlib.contextmanager
    def passing(self, kind, name, offset, data):
        """Applies an operation for as long as the block runs."""
        path, before = self.path(name), None
        if os.path.exists(path):
            with open(path, "rb") as file:
                file.seek(offset)
                before = os.path.getsize(path), file.read(len(data) if kind == "W" else -1)
        self.apply(kind, name, offset, data)
        yield
        if before is None:
            os.unlink(path)
            return
        size, content = before
        self.write(name, offset, content)
        os.truncate(path, size)

    def wrong(self, acknowledged, judged):
        found = verify(self.folder, acknowledged, "?mode=ro", judged)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path("node.sqlite-shm"))
        return found


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
