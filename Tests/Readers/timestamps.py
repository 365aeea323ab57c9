#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A timestamp authority (RFC 3161) made of `openssl ts`, with a P-256 key and certificate of its own.

timestamps.py FOLDER   makes its files there, prints its URL as JSON and serves until it is stopped
"""
import http.server, json, os, signal, subprocess, sys

CONFIGURATION = """
[tsa]
default_tsa = one
[one]
serial = serial
signer_cert = cert.pem
certs = cert.pem
signer_key = key.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
"""


class Authority(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        with open("query.tsq", "wb") as file:
            file.write(self.rfile.read(int(self.headers["Content-Length"])))
        subprocess.run(["openssl", "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query.tsq", "-out",
                        "reply.tsr"], check=True, stderr=subprocess.DEVNULL)
        with open("reply.tsr", "rb") as file:
            reply = file.read()
        self.send_response(200)
        self.send_header("Content-Type", "application/timestamp-reply")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_):
        pass


# Who starts this may have every signal blocked, and a program inherits that: it must still end when it is told to.
signal.pthread_sigmask(signal.SIG_SETMASK, [])
os.makedirs(sys.argv[1], exist_ok=True)
os.chdir(sys.argv[1])
with open("tsa.cnf", "w") as file:
    file.write(CONFIGURATION)
subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                "30", "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=Test TSA", "-addext",
                "extendedKeyUsage=critical,timeStamping"], check=True, stderr=subprocess.DEVNULL)
server = http.server.HTTPServer(("127.0.0.1", 0), Authority)
print(json.dumps({"url": f"http://127.0.0.1:{server.server_port}"}), flush=True)
server.serve_forever()
