# SPDX-License-Identifier: Apache-2.0
"""A node with one table on offer and a buyer with an account, driven over HTTP from outside: for the crash test of the
privacy budget and for the benchmark. Needs python3 with `cryptography`, nothing else."""
import base64
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Refused(Exception):
    """A problem the node told, by its code."""


class Room:
    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None

    def start(self):
        command = [self.binary, "serve", "--data", self.folder, "--port", str(self.port), "--name", "room"]
        self.process = subprocess.Popen(
            command + ["--role", "exchange", "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for _ in range(6000):
            try:
                urllib.request.urlopen(self.url + "/healthz", timeout=5).read()
                break
            except OSError:
                time.sleep(0.05)
        with open(os.path.join(self.folder, "keys/operator.token")) as f:
            self.token = f.read().strip()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def ask(self, method, path, body=None, token=None, raw=None):
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        request.add_header("Authorization", "Bearer " + (token or self.token))
        try:
            with urllib.request.urlopen(request, timeout=120) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            raise Refused(json.load(error).get("code")) from None

    def post(self, path, body=None, token=None):
        return self.ask("POST", path, body if body is not None else {}, token)

    def publish(self, file, table, rules):
        """Taken in, graded, registered, listed: the command an operator of an exchange has for its own table."""
        rules_file = os.path.join(self.folder, "rules.json")
        with open(rules_file, "w") as f:
            json.dump(rules, f)
        command = [self.binary, "publish", file, "--title", table, "--table", table, "--rules", rules_file, "--owner", "o",
                   "--ground", "own-operation", "--document", "d", "--confirm", "--json"]
        environment = dict(os.environ, HUTONG_URL=self.url, HUTONG_TOKEN=self.token)
        done = subprocess.run(command, capture_output=True, env=environment, check=False)
        self.listing = json.loads(done.stdout)["listing"]

    def buyer(self, name):
        """Opens an account and agrees to the listing as it is offered."""
        invitation = self.post("/api/v1/parties/invitations", {"name": name, "roles": "buyer"})["invitation"]
        secret = self.secret(invitation)
        self.signer = Ed25519PrivateKey.generate()
        public = self.signer.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        sealing = X25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        joined = self.post("/api/v1/parties/join", {
            "secret": secret, "id": str(uuid.uuid4()), "signingKey": base64.b64encode(public).decode(),
            "sealingKey": base64.b64encode(sealing).decode(), "address": "account"})
        self.buyer_token = joined["token"]
        offer = self.post("/api/v1/offers", {"listing": self.listing}, self.buyer_token)["offer"]
        self.until(lambda: any(o["offer"] == offer and o["state"] == "AGREED" for o in self.ask(
            "GET", "/api/v1/offers", token=self.buyer_token)["offers"]))
        unsigned = self.ask("GET", f"/api/v1/offers/{offer}/agreement", token=self.buyer_token)
        signature = self.signer.sign(base64.b64decode(unsigned["bytes"]))
        self.post(f"/api/v1/offers/{offer}/sign", {"signature": base64.b64encode(signature).decode()},
                  self.buyer_token)
        agreements = lambda: [a for a in self.ask("GET", "/api/v1/agreements", token=self.buyer_token)["agreements"]
                              if a["state"] == "in-force"]
        self.until(lambda: agreements())
        self.agreement = agreements()[0]["agreement"]

    @staticmethod
    def secret(invitation):
        """An invitation is a prefix and base64url of its JSON."""
        text = invitation.split(":", 1)[1]
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))["secret"]

    @staticmethod
    def until(condition):
        for _ in range(400):
            if condition():
                return
            time.sleep(0.025)
        raise RuntimeError("nothing came of it in ten seconds")

    def question(self, text, passage=None):
        body = {"agreement": self.agreement, "text": text, "purpose": ""}
        if passage:
            body["passage"] = passage
        return self.post("/api/v1/questions", body, self.buyer_token)
