# SPDX-License-Identifier: Apache-2.0
"""Peers and ours by turns on the same CSV files of 18-digit keys, half of them shared, CSV to CSV over loopback.

usage: compare.py BINARY [ROUNDS] [CASE[:MINE[xTHEIRS]]...]     sizes as powers of two, for example sm2:16 or unbalanced:12x20
cases: rr22 kkrt ecdh elligator sm2 openmined unbalanced floor sum

Peers are what is installed of `spu` (SecretFlow's PSI), `openmined.psi` and `duckdb`; a case without its peer is skipped.
Prints for each the median wall and CPU seconds of both parties together, the largest bytes on the wire and peak memory of a
party, and how many times as fast ours is. As root it runs in a network of its own, so that bytes are all bytes.
"""
import json, multiprocessing as mp, os, resource, socket, statistics, subprocess, sys, tempfile, time

CASES = {  # name: (peer's protocol or none, curve, receiver's items, sender's items, ours)
    "rr22": ("PROTOCOL_RR22", None, 1 << 20, 1 << 20, ["rr22", "rr22-malicious"]),
    "kkrt": ("PROTOCOL_KKRT", None, 1 << 20, 1 << 20, ["rr22"]),
    "ecdh": ("PROTOCOL_ECDH", "CURVE_25519", 1 << 16, 1 << 16, ["ecdh"]),
    "elligator": ("PROTOCOL_ECDH", "CURVE_25519_ELLIGATOR2", 1 << 13, 1 << 13, ["ecdh"]),
    "sm2": ("PROTOCOL_ECDH", "CURVE_SM2", 1 << 13, 1 << 13, ["ecdh-sm2"]),
    "openmined": (None, None, 1 << 13, 1 << 13, ["ecdh"]),
    "unbalanced": (None, None, 1 << 10, 1 << 16, ["unbalanced"]),
    "floor": (None, None, 1 << 20, 1 << 20, ["rr22"]),
    "sum": (None, None, 1 << 14, 1 << 14, ["ecdh", "rr22"]),
}


def in_own_network():
    if os.environ.get("HUTONG_BENCH_NETWORK") or os.geteuid() != 0:
        return
    os.environ["HUTONG_BENCH_NETWORK"] = "1"
    script = 'ip link set lo up && exec "$0" "$@"'
    if subprocess.run(["unshare", "-n", "true"]).returncode == 0:
        os.execvp("unshare", ["unshare", "-n", "sh", "-c", script, sys.executable] + sys.argv)


def wire_bytes():
    with open("/proc/net/dev") as lines:
        return next(int(l.split(":")[1].split()[0]) for l in lines if l.strip().startswith("lo:"))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def used():
    r = resource.getrusage(resource.RUSAGE_SELF)
    return r.ru_utime + r.ru_stime, r.ru_maxrss / 1024


def party(rank, case, files, folder, ports, queue, barrier):
    log = os.open(os.devnull, os.O_WRONLY)
    os.dup2(log, 1), os.dup2(log, 2)
    import spu.libspu as L, spu.psi as P
    desc = L.link.Desc()
    desc.recv_timeout_ms = 600_000
    for other in (0, 1):
        desc.add_party(f"p{other}", f"127.0.0.1:{ports[other]}")
    link = L.link.create_brpc(desc, rank)
    source = P.InputParams(path=files[rank], selected_keys=["id"], keys_unique=True)
    goal = P.OutputParams(path=files[rank] + ".out", disable_alignment=True)
    if case == "unbalanced":
        steps = [("MODE_OFFLINE", rank == 1, False), ("MODE_ONLINE", True, True)]
    else:
        steps = [None]
    for step in steps:
        if step:
            role = P.UbPsiRole.ROLE_SERVER if rank == 1 else P.UbPsiRole.ROLE_CLIENT
            more = {}
            if step[1]: more["input_params"] = source
            if step[2]: more.update(output_params=goal, client_receive_result=True)
            config = P.UbPsiExecuteConfig(mode=getattr(P.UbPsiMode, step[0]), role=role, cache_path=f"{folder}/cache{rank}", **more)
            execute = P.ub_psi_execute
        else:
            protocol, curve = CASES[case][:2]
            more = {"ecdh_params": P.EcdhParams(curve=getattr(P.EllipticCurveType, curve))} if curve else {}
            config = P.PsiExecuteConfig(
                protocol_conf=P.PsiProtocolConfig(protocol=getattr(P.PsiProtocol, protocol), receiver_rank=0, broadcast_result=False, **more),
                input_params=source, output_params=goal)
            execute = P.psi_execute
        barrier.wait()
        start, (cpu, _) = time.perf_counter(), used()
        report = execute(config, link)
        wall, (now, peak) = time.perf_counter() - start, used()
        queue.put((rank, wall, now - cpu, peak, report.intersection_count))
        barrier.wait()
    link.stop_link()


def secretflow(case, files, folder):
    """Rows of wall, CPU seconds, bytes and peak memory; two for the unbalanced protocol: encoding, request."""
    for file in files:
        if os.path.exists(file + ".meta"): os.remove(file + ".meta")
    subprocess.run(["rm", "-rf", f"{folder}/cache0", f"{folder}/cache1"])
    context = mp.get_context("spawn")
    queue, barrier, ports = context.Queue(), context.Barrier(3), [free_port(), free_port()]
    both = [context.Process(target=party, args=(rank, case, files, folder, ports, queue, barrier)) for rank in (0, 1)]
    for process in both: process.start()
    rows = []
    for _ in range(2 if case == "unbalanced" else 1):
        barrier.wait()
        before = wire_bytes()
        sides = [queue.get(timeout=580) for _ in both]
        barrier.wait()
        rows.append((max(s[1] for s in sides), sum(s[2] for s in sides), wire_bytes() - before, max(s[3] for s in sides)))
    for process in both: process.join(30)
    return rows


def openmined(files):
    import private_set_intersection.python as psi
    start, (cpu, _) = time.perf_counter(), used()
    mine, theirs = ([line.strip() for line in open(file)][1:] for file in files)
    client, server = psi.client.CreateWithNewKey(True), psi.server.CreateWithNewKey(True)
    setup = server.CreateSetupMessage(1e-9, len(mine), theirs, psi.DataStructure.RAW)
    request = client.CreateRequest(mine)
    response = server.ProcessRequest(request)
    client.GetIntersection(setup, response)
    wire = sum(len(m.SerializeToString()) for m in (setup, request, response))
    return [(time.perf_counter() - start, used()[0] - cpu, wire, used()[1])]


def floor(files):
    import duckdb
    start, (cpu, _) = time.perf_counter(), used()
    table = "read_csv('{}', all_varchar=true)"
    duckdb.connect().execute(
        f"copy (select a.id from {table.format(files[0])} a semi join {table.format(files[1])} b using (id)) to '{files[0]}.out'")
    return [(time.perf_counter() - start, used()[0] - cpu, 0, used()[1])]


def ours(binary, protocol, files, folder, wanted, common):
    """One run; under unbalanced two: with the encoding made and sent, and again without."""
    rows = []
    for number in range(2 if protocol == "unbalanced" else 1):
        port, before = free_port(), wire_bytes()
        # Through a shell: a child of this process would count this one's memory as its own peak.
        shared = ["sh", "-c", '"$@"; exit $?', "sh", binary, "psi", "party", "--protocol", protocol, "--key", "id", "--json", "--threads", "2"]
        own = [["--cache", f"{folder}/{side}.cache"] if protocol == "unbalanced" else [] for side in "ab"]
        start = time.perf_counter()
        first = subprocess.Popen(shared + own[0] + ["--listen", f"127.0.0.1:{port}", "--in", files[0], "--out", files[0] + ".out", "--want", wanted], stdout=subprocess.PIPE)
        second = subprocess.Popen(shared + own[1] + ["--connect", f"127.0.0.1:{port}", "--in", files[1], "--want", "sum:amount" if wanted == "sum" else wanted], stdout=subprocess.PIPE)
        sides = [json.loads(p.communicate()[0]) for p in (first, second)]
        assert sides[0]["intersection"] == common, sides[0]
        rows.append((time.perf_counter() - start, sum(s["cpu_seconds"] for s in sides), wire_bytes() - before, max(s["peak_rss_mb"] for s in sides)))
    for side in "ab":
        if os.path.exists(f"{folder}/{side}.cache"): os.remove(f"{folder}/{side}.cache")
    return rows


def write(folder, mine, theirs):
    common = min(mine, theirs) // 2
    files = [f"{folder}/a{mine}.csv", f"{folder}/b{mine}-{theirs}.csv"]
    for file, span in zip(files, (range(mine), range(mine - common, mine - common + theirs))):
        with open(file, "w") as out:
            out.write("id,amount\n" + "".join("%018d,%d\n" % (i * 7919 + 110101190001010000, i % 100) for i in span))
    return files, common


def peer(case, files, folder):
    try:
        if case == "openmined": return "openmined.psi P-256", openmined(files)
        if case == "floor": return "duckdb join, in the clear", floor(files)
        if case == "sum": return None, []
        import spu.psi  # noqa: F401
        return "spu " + {"unbalanced": "EC-OPRF"}.get(case, case), secretflow(case, files, folder)
    except ImportError as missing:
        return f"(no {missing.name})", []


def main():
    in_own_network()
    binary, rounds = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 3
    for wish in sys.argv[3:] or CASES:
        case, _, size = wish.partition(":")
        _, _, mine, theirs, protocols = CASES[case]
        if size: mine, theirs = (1 << int(part) for part in (size.split("x") * 2)[:2])
        with tempfile.TemporaryDirectory() as folder:
            files, common = write(folder, mine, theirs)
            runs = {}
            for _ in range(rounds):
                name, rows = peer(case, files, folder)
                for part, row in enumerate(rows): runs.setdefault((name, part), []).append(row)
                for protocol in protocols:
                    wanted = "sum" if case == "sum" else "rows"
                    for part, row in enumerate(ours(binary, protocol, files, folder, wanted, common)):
                        runs.setdefault(("hutong " + protocol, part), []).append(row)
        middle = {key: [statistics.median(row[k] for row in rows) for k in range(4)] for key, rows in runs.items()}
        for (name, part), (wall, cpu, wire, peak) in middle.items():
            line = f"{case} {mine} x {theirs}{' again' if part else ''}: {name}: wall {wall:.2f} s, cpu {cpu:.2f} s, {wire / 1e6:.1f} MB, {peak:.0f} MiB"
            base = next((v for k, v in middle.items() if not k[0].startswith("hutong") and k[1] == part), None)
            if name.startswith("hutong") and base:
                line += f"; {base[0] / wall:.2f} times as fast by the clock, {base[1] / cpu:.2f} by CPU"
            print(line, flush=True)


if __name__ == "__main__":
    main()
