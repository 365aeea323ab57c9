# SPDX-License-Identifier: Apache-2.0
"""Checks a cosignature/v1 from the words of c2sp.org/tlog-cosignature, sharing no code with us.

    cosignature.py CHECKPOINT VKEY
"""
import base64
import hashlib
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

note = open(sys.argv[1], "rb").read()
name, key_id, encoded = sys.argv[2].split("+", 2)
key = base64.b64decode(encoded)
assert key[0] == 4 and len(key) == 33
assert hashlib.sha256(name.encode() + b"\n" + key).digest()[:4].hex() == key_id
text, lines = note.rsplit(b"\n\n", 1)
text += b"\n"
for line in lines.decode().splitlines():
    dash, signer, blob = line.split(" ")
    raw = base64.b64decode(blob)
    if dash == "\u2014" and signer == name and raw[:4].hex() == key_id:
        time = int.from_bytes(raw[4:12], "big")
        message = b"cosignature/v1\ntime %d\n" % time + text
        Ed25519PublicKey.from_public_bytes(key[1:]).verify(raw[12:], message)
        print("ok", time)
        break
else:
    sys.exit("no line by this key")
