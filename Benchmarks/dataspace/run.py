# SPDX-License-Identifier: Apache-2.0
"""Negotiations a second, data after an agreement, and shared files against nginx: ratios of one run."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

BINARY = os.path.abspath(".build/release/hutong")
DSP = "/dsp/2025-1"


class Node:
    def __init__(self, folder: str, name: str, role: str) -> None:
        self.folder = os.path.join(folder, name)
        self.process = subprocess.Popen(
            [BINARY, "serve", "--data", self.folder, "--port", "0", "--name", name, "--role", role, "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        text = ""
        while True:
            text += self.process.stdout.readline()
            try:
                self.url = json.loads(text)["url"]
                break
            except ValueError:
                continue
        with open(os.path.join(self.folder, "keys", "operator.token")) as file:
            self.token = file.read().strip()

    def ask(self, method: str, path: str, body=None, token: str | None = None) -> dict:
        request = urllib.request.Request(
            self.url + path, method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": "Bearer " + (token or self.token), "Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            data = answer.read()
        return json.loads(data) if data else {}

    def run(self, *arguments: str) -> dict:
        environment = dict(os.environ, HUTONG_URL=self.url, HUTONG_TOKEN=self.token)
        done = subprocess.run([BINARY, *arguments, "--json"], env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{arguments}: {done.stdout}")
        return json.loads(done.stdout)

    def publish(self, file: str, title: str, doors: str) -> str:
        return self.run(
            "publish", file, "--title", title, "--owner", "city", "--ground", "own-operation", "--document",
            "rules", "--table", "air", "--confirm", "--openness", "conditional", "--doors", doors)["listing"]

    def stop(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def until(look, patience: float = 120):
    end = time.perf_counter() + patience
    while time.perf_counter() < end:
        found = look()
        if found:
            return found
        time.sleep(0.01)
    sys.exit("the nodes did not get there in time")


def negotiations(provider: Node, consumer: Node, listing: str, count: int) -> None:
    body = {"listing": listing, "address": provider.url + DSP}
    begun = time.perf_counter()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: consumer.ask("POST", "/api/v1/dataspace/negotiations", body), range(count)))

    def finished() -> bool:
        states = [offer["state"] for offer in consumer.ask("GET", "/api/v1/offers")["offers"]]
        return states.count("FINALIZED") >= count

    until(finished)
    seconds = time.perf_counter() - begun
    print(f"negotiations between two nodes: {count / seconds:.1f} a second ({count} in {seconds:.1f} s, each six messages)")


def data_after_agreement(provider: Node, consumer: Node, listing: str, times: int) -> None:
    waits = []
    for _ in range(times):
        known = {a["agreement"] for a in consumer.ask("GET", "/api/v1/agreements")["agreements"]}
        consumer.ask("POST", "/api/v1/dataspace/negotiations", {"listing": listing, "address": provider.url + DSP})

        def signed():
            fresh = [
                a["agreement"] for a in consumer.ask("GET", "/api/v1/agreements")["agreements"]
                if a["agreement"] not in known and a["state"] == "in-force"]
            return fresh[0] if fresh else None

        agreement = until(signed)
        begun = time.perf_counter()
        pid = consumer.ask(
            "POST", "/api/v1/dataspace/transfers",
            {"agreement": agreement, "address": provider.url + DSP})["pid"]

        def started():
            for transfer in consumer.ask("GET", "/api/v1/dataspace/transfers")["transfers"]:
                if transfer["pid"] == pid and transfer["dataAddress"]:
                    return transfer["dataAddress"]
            return None

        address = until(started)
        token = {p["name"]: p["value"] for p in address["endpointProperties"]}["authorization"]
        request = urllib.request.Request(address["endpoint"], headers={"Authorization": "Bearer " + token})
        with urllib.request.urlopen(request) as answer:
            answer.read()
        waits.append(time.perf_counter() - begun)
    waits.sort()
    print(f"from agreement to data: median {waits[len(waits) // 2]:.2f} s, worst {waits[-1]:.2f} s (aim 1 s)")


def fetched(url: str, size: int) -> float:
    """MB a second with curl, which costs less than any Python client."""
    begun = time.perf_counter()
    done = subprocess.run(
        ["curl", "--silent", "--fail", "--output", "/dev/null", "--write-out", "%{size_download}", url],
        capture_output=True, text=True)
    if int(done.stdout or 0) != size:
        sys.exit(f"{url}: {done.stdout} of {size} bytes")
    return size / 1e6 / (time.perf_counter() - begun)


def sharing(folder: str, provider: Node) -> None:
    file = os.path.join(folder, "wide.csv")
    with open(file, "w") as out:
        out.write("station,value,reading,note\n")
        state = 1
        for number in range(1_500_000):
            state = state * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
            out.write(f"S{number},{state % 1000003},{state >> 40},{state:x}\n")
    listing = provider.publish(file, "shared", "share")
    account = invited(provider)
    provider_agreement(provider, account, listing)
    begun = time.perf_counter()
    root = "/delta-sharing-for/bench/shares"
    name = provider.ask("GET", root, token=account)["items"][0]["name"]
    table = provider.ask("GET", f"{root}/{name}/all-tables", token=account)["items"][0]["name"]
    request = urllib.request.Request(
        f"{provider.url}{root}/{name}/schemas/data/tables/{table}/query", data=b"{}",
        headers={"Authorization": "Bearer " + account, "Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        shared = json.loads(answer.read().decode().strip().split("\n")[-1])["file"]
    written = time.perf_counter() - begun
    copy = os.path.join(folder, "www")
    os.makedirs(copy)
    source = max(
        (os.path.join(provider.folder, "deliveries", n) for n in os.listdir(provider.folder + "/deliveries")
         if n.endswith(".parquet")), key=os.path.getsize)
    shutil.copy(source, copy + "/table.parquet")
    configuration = os.path.join(folder, "nginx.conf")
    with open(configuration, "w") as out:
        out.write(
            f"daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; events {{}}\n"
            f"http {{ access_log off; sendfile on; client_body_temp_path {folder}; proxy_temp_path {folder};\n"
            f"fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};\n"
            f"server {{ listen 127.0.0.1:18498; root {copy}; }} }}\n")
    nginx = subprocess.Popen(["nginx", "-c", configuration], stderr=subprocess.DEVNULL)
    try:
        other = "http://127.0.0.1:18498/table.parquet"
        until(lambda: subprocess.run(["curl", "--silent", "--fail", "--head", other], capture_output=True).returncode == 0)
        ours, theirs = [], []
        for _ in range(7):
            ours.append(fetched(shared["url"], shared["size"]))
            theirs.append(fetched(other, shared["size"]))
        ours.sort(), theirs.sort()
        print(
            f"Delta Sharing, {shared['size'] / 1e6:.0f} MB of Parquet, median of 7: {ours[3]:.0f} MB/s; nginx with the same "
            f"file {theirs[3]:.0f} MB/s; ratio {ours[3] / theirs[3]:.2f}. Writing the recipient's file took {written:.1f} s, once.")
    finally:
        nginx.terminate()
        nginx.wait()


def invited(provider: Node) -> str:
    invitation = provider.ask("POST", "/api/v1/parties/invitations", {"name": "reader", "roles": "buyer"})["invitation"]
    home = tempfile.mkdtemp(prefix="hutong-reader-")
    done = subprocess.run(
        [BINARY, "party", "join", invitation, "--account", "--json"],
        env=dict(os.environ, HUTONG_HOME=home), capture_output=True, text=True)
    shutil.rmtree(home, ignore_errors=True)
    return json.loads(done.stdout)["token"]


def provider_agreement(provider: Node, token: str, listing: str) -> None:
    """An application that the holder grants is the shortest way to an agreement for an account."""
    provider.run("pack", "add", "Packs/data-requests")
    case = provider.ask(
        "POST", "/api/v1/requests",
        {"listing": listing, "purpose": "bench", "fields": "station,value,reading,note",
         "until": "2099-01-01", "safeguards": "none"}, token=token)["case"]
    provider.ask(
        "POST", f"/api/v1/requests/{case}/actions",
        {"step": "approve", "inputs": {"fields": "station,value,reading,note", "until": "2099-01-01"}})


def main() -> None:
    folder = tempfile.mkdtemp(prefix="hutong-bench-")
    provider, consumer = Node(folder, "provider", "both"), Node(folder, "consumer", "party")
    try:
        invitation = provider.ask(
            "POST", "/api/v1/parties/invitations", {"name": "consumer", "roles": "buyer"})["invitation"]
        consumer.ask("POST", "/api/v1/exchange", {"invitation": invitation})
        file = os.path.join(folder, "air.csv")
        with open(file, "w") as out:
            out.write("station,pm25\n" + "".join(f"S{n},{n}.5\n" for n in range(1000)))
        listing = provider.publish(file, "air", "download")
        negotiations(provider, consumer, listing, 100)
        data_after_agreement(provider, consumer, listing, 7)
        sharing(folder, provider)
    finally:
        provider.stop()
        consumer.stop()
        shutil.rmtree(folder, ignore_errors=True)


main()
