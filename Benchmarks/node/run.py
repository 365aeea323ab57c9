# SPDX-License-Identifier: Apache-2.0
"""Cold start to the first 200 on /healthz, resident memory, and catalog search over HTTP."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request

BINARY = ".build/release/hutong"


def cold_start() -> tuple[float, float]:
    """Seconds to the first 200, and resident MB then, on an empty folder."""
    folder = tempfile.mkdtemp(prefix="hutong-bench-")
    begun = time.perf_counter()
    node = subprocess.Popen(
        [BINARY, "serve", "--data", folder + "/node", "--port", "18499"],
        stdout=subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                with urllib.request.urlopen("http://127.0.0.1:18499/healthz") as answer:
                    if answer.status == 200:
                        break
            except OSError:
                time.sleep(0.002)
        seconds = time.perf_counter() - begun
        with open(f"/proc/{node.pid}/status") as status:
            resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
        return seconds, resident / 1024
    finally:
        node.send_signal(signal.SIGKILL)
        node.wait()
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    runs = sorted(cold_start() for _ in range(5))
    print(f"cold start, median of 5: {runs[2][0]:.3f} s (aim 0.3), {runs[2][1]:.0f} MB resident (aim 80)")
    print("catalog search, aim p99 50 ms: ", end="", flush=True)
    subprocess.run([BINARY, "catalog", "bench"], check=True)


main()
