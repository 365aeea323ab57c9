#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Durable transfers a second: ours against SQLite through C and PostgreSQL 15, interleaved in one run.

run.py [--binary .build/release/hutong] [--seconds 3] [--rounds 2] [--json]
Everything fsyncs. PostgreSQL comes from Debian, in a cluster of its own that is removed afterwards.
"""
import argparse, glob, json, os, shutil, subprocess, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
SCHEMA = """
CREATE TABLE account (id int PRIMARY KEY, debits bigint NOT NULL DEFAULT 0, credits bigint NOT NULL DEFAULT 0);
CREATE TABLE transfer (at bigserial PRIMARY KEY, id uuid NOT NULL UNIQUE, debit int, credit int, amount bigint);
INSERT INTO account SELECT generate_series(1, 10000);
CREATE FUNCTION move(f int, t int) RETURNS void LANGUAGE sql AS $$
    INSERT INTO transfer (id, debit, credit, amount) VALUES (gen_random_uuid(), f, t, 1);
    UPDATE account SET debits = debits + 1 WHERE id = f;
    UPDATE account SET credits = credits + 1 WHERE id = t; $$;
CREATE FUNCTION batch() RETURNS void LANGUAGE sql AS $$
    WITH b AS MATERIALIZED (SELECT 1 + floor(random() * 10000)::int f, 1 + floor(random() * 10000)::int t
                            FROM generate_series(1, 1000)),
         i AS (INSERT INTO transfer (id, debit, credit, amount) SELECT gen_random_uuid(), f, t, 1 FROM b),
         s AS (SELECT a, sum(d) d, sum(c) c FROM (SELECT f a, 1 d, 0 c FROM b UNION ALL SELECT t, 0, 1 FROM b) x
               GROUP BY a)
    UPDATE account SET debits = debits + s.d, credits = credits + s.c FROM s WHERE account.id = s.a; $$;
"""


class Postgres:
    def __init__(self, root):
        self.bin = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        self.root = os.path.join(root, "pg")
        os.mkdir(self.root)
        self.user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
        if self.user:
            os.chmod(root, 0o755)
            shutil.chown(self.root, "postgres", "postgres")
        quiet = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        subprocess.run(self.user + [f"{self.bin}/initdb", "-D", f"{self.root}/data", "-A", "trust", "-U", "bench"],
                       check=True, **quiet)
        self.server = subprocess.Popen(
            self.user + [f"{self.bin}/postgres", "-D", f"{self.root}/data", "-k", self.root, "-c", "listen_addresses="],
            **quiet)
        while subprocess.run([f"{self.bin}/pg_isready", "-h", self.root], **quiet).returncode:
            time.sleep(0.1)
        self.psql(SCHEMA)

    def psql(self, text):
        subprocess.run([f"{self.bin}/psql", "-h", self.root, "-U", "bench", "-d", "postgres", "-q"], input=text,
                       text=True, check=True)

    def pgbench(self, script, clients, seconds, transfers=1):
        path = os.path.join(self.root, "script.sql")
        with open(path, "w") as file:
            file.write(script)
        out = subprocess.run(
            [f"{self.bin}/pgbench", "-h", self.root, "-U", "bench", "-n", "-M", "prepared", "-c", str(clients), "-j",
             "2", "-T", str(seconds), "-f", path, "postgres"], capture_output=True, text=True, check=True).stdout
        return transfers * float(next(line for line in out.splitlines() if line.startswith("tps")).split()[2])

    def stop(self):
        self.server.terminate()
        self.server.wait()


class Node:
    """One node of ours on a free port, for clients over HTTP."""

    def __init__(self, binary, root):
        self.client = os.path.join(root, "clients")
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", self.client, os.path.join(HERE, "clients.c"), "-lpthread"],
                       check=True)
        data = os.path.join(root, "node")
        self.process = subprocess.Popen(
            [binary, "serve", "--data", data, "--port", "0", "--name", "bench", "--role", "exchange", "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        said = ""
        while True:
            said += self.process.stdout.readline()
            try:
                self.port = json.loads(said)["url"].rsplit(":", 1)[1]
                break
            except ValueError:
                continue
        with open(os.path.join(data, "keys", "operator.token")) as file:
            self.token = file.read().strip()

    def run(self, clients, seconds):
        return float(subprocess.run([self.client, self.port, self.token, "bench", str(clients), str(seconds)],
                                    capture_output=True, text=True, check=True).stdout)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--binary", default=".build/release/hutong")
    arguments.add_argument("--seconds", type=int, default=3)
    arguments.add_argument("--rounds", type=int, default=2)
    arguments.add_argument("--json", action="store_true")
    options = arguments.parse_args()
    root = tempfile.mkdtemp(prefix="hutong-bench-")
    batch = os.path.join(root, "batch")
    subprocess.run(["cc", "-O2", "-o", batch, os.path.join(HERE, "batch.c"), "-lsqlite3"], check=True)
    postgres = Postgres(root)
    node = Node(options.binary, root)
    uniform = r"\set f random(1, 10000)" + "\n" + r"\set t random(1, 10000)" + "\nSELECT move(:f, :t);\n"

    def ours(clients, holds, *more):
        out = subprocess.run(
            [options.binary, "ledger", "bench", "--clients", str(clients), "--holds", holds, "--seconds",
             str(options.seconds), "--place", root, "--json", *more], capture_output=True, text=True, check=True)
        return json.loads(out.stdout)[0]["transfersPerSecond"]

    def c():
        path = os.path.join(root, f"c-{time.time()}.sqlite")
        return float(subprocess.run([batch, path, str(options.seconds)], capture_output=True, text=True, check=True).stdout)

    runs = {
        "1 client, with leaf": lambda: ours(1, "leaf"),
        "32 clients, with leaf": lambda: ours(32, "leaf"),
        "1000 clients, with leaf": lambda: ours(1000, "leaf"),
        "1000 clients, one hot account, with leaf": lambda: ours(1000, "leaf", "--hot"),
        "1000 clients, without log": lambda: ours(1000, "transfer"),
        "1000 clients, with leaf, meter and grant": lambda: ours(1000, "passage"),
        "32 clients over HTTP, one top-up with leaf a request": lambda: node.run(32, options.seconds),
        "(a) SQLite through C, 1000 a commit": c,
        "(b) PostgreSQL, one call a transfer, 32 clients": lambda: postgres.pgbench(uniform, 32, options.seconds),
        "(b) PostgreSQL, set-based batches of 1000": lambda: postgres.pgbench(
            "SELECT batch();\n", 1, options.seconds, 1000),
    }
    best = dict.fromkeys(runs, 0.0)
    try:
        for _ in range(options.rounds):
            for name, run in runs.items():
                best[name] = max(best[name], run())
    finally:
        postgres.stop()
        node.stop()
        shutil.rmtree(root, ignore_errors=True)
    leaf, plain = best["1000 clients, with leaf"], best["1000 clients, without log"]
    ratios = {
        "with leaf / PostgreSQL batches": leaf / best["(b) PostgreSQL, set-based batches of 1000"],
        "32 clients in the process / PostgreSQL 32 clients": best["32 clients, with leaf"]
            / best["(b) PostgreSQL, one call a transfer, 32 clients"],
        "32 clients over HTTP / PostgreSQL 32 clients": best["32 clients over HTTP, one top-up with leaf a request"]
            / best["(b) PostgreSQL, one call a transfer, 32 clients"],
        "with leaf / SQLite through C": leaf / best["(a) SQLite through C, 1000 a commit"],
        "with leaf / without log": leaf / plain,
        "hot account / uniform": best["1000 clients, one hot account, with leaf"] / leaf,
    }
    if options.json:
        print(json.dumps({"transfersPerSecond": best, "ratios": ratios}, indent=2))
        return
    for name, rate in best.items():
        print(f"{rate:>10,.0f}  {name}")
    for name, ratio in ratios.items():
        print(f"{ratio:>10.2f}  {name}")


main()
