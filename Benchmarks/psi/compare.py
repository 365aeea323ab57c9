# SPDX-License-Identifier: Apache-2.0
"""SecretFlow's RR22 and ours by turns on the same two CSV files; prints both and the ratio of the medians."""
import json, multiprocessing as mp, os, resource, socket, statistics, subprocess, sys, tempfile, time

N, ROUNDS = 1 << 20, 3


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def party(rank, files, ports, queue, barrier):
    log = os.open(os.devnull, os.O_WRONLY)
    os.dup2(log, 1), os.dup2(log, 2)
    import spu.libspu as L, spu.psi as P
    desc = L.link.Desc()
    for other in (0, 1):
        desc.add_party(f"p{other}", f"127.0.0.1:{ports[other]}")
    link = L.link.create_brpc(desc, rank)
    config = P.PsiExecuteConfig(
        protocol_conf=P.PsiProtocolConfig(protocol=P.PsiProtocol.PROTOCOL_RR22, receiver_rank=0, broadcast_result=False),
        input_params=P.InputParams(path=files[rank], selected_keys=["id"], keys_unique=True),
        output_params=P.OutputParams(path=files[rank] + ".out", disable_alignment=True))
    barrier.wait()
    start, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    report = P.psi_execute(config, link)
    wall, now = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    queue.put((wall, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime, report.intersection_count if rank == 0 else 0))
    barrier.wait()
    link.stop_link()


def theirs(files):
    for file in files:
        if os.path.exists(file + ".meta"):
            os.remove(file + ".meta")
    context = mp.get_context("spawn")
    queue, barrier, ports = context.Queue(), context.Barrier(2), [free_port(), free_port()]
    both = [context.Process(target=party, args=(rank, files, ports, queue, barrier)) for rank in (0, 1)]
    for process in both: process.start()
    results = [queue.get(timeout=300) for _ in both]
    for process in both: process.join(30)
    assert max(r[2] for r in results) == N // 2
    return max(r[0] for r in results), sum(r[1] for r in results)


def ours(binary, files, protocol):
    port = free_port()
    shared = ["--protocol", protocol, "--key", "id", "--json"]
    start = time.perf_counter()
    receiver = subprocess.Popen([binary, "psi", "party", "--listen", f"127.0.0.1:{port}", "--in", files[0], "--out", files[0] + ".out"] + shared, stdout=subprocess.PIPE)
    sender = subprocess.Popen([binary, "psi", "party", "--connect", f"127.0.0.1:{port}", "--in", files[1]] + shared, stdout=subprocess.PIPE)
    results = [json.loads(p.communicate()[0]) for p in (receiver, sender)]
    assert results[0]["intersection"] == N // 2
    return time.perf_counter() - start, sum(r["cpu_seconds"] for r in results)


def main():
    with tempfile.TemporaryDirectory() as folder:
        files = [folder + "/a.csv", folder + "/b.csv"]
        for file, first in zip(files, (0, N // 2)):
            with open(file, "w") as out:
                out.write("id\n" + "".join("%018d\n" % (i * 7919 + 110101190001010000) for i in range(first, first + N)))
        rows = {"spu rr22": [], "hutong rr22": [], "hutong rr22-malicious": []}
        for _ in range(ROUNDS):
            rows["spu rr22"].append(theirs(files))
            for protocol in ("rr22", "rr22-malicious"):
                rows["hutong " + protocol].append(ours(sys.argv[1], files, protocol))
        base = [statistics.median(r[k] for r in rows["spu rr22"]) for k in (0, 1)]
        for name, runs in rows.items():
            wall, cpu = (statistics.median(r[k] for r in runs) for k in (0, 1))
            print(f"{name}: wall {wall:.2f} s, cpu {cpu:.2f} s, {base[0] / wall:.1f} and {base[1] / cpu:.1f} times as fast as spu")


if __name__ == "__main__":
    main()
