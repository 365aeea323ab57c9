// SPDX-License-Identifier: Apache-2.0
// Works a proof of inclusion out from what the page shows (RFC 9162 §2.1.3.2), with the browser's own SHA-256.
// The page is whole without this script. WebCrypto is there over TLS and on this machine; elsewhere the section
// stays hidden and the shell lines of the page do the same.
"use strict";
(() => {
  const place = document.getElementById("recompute");
  if (!place || !globalThis.crypto?.subtle) return;
  const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const bytes = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  const sha256 = async (...parts) => {
    const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let end = 0;
    for (const part of parts) { joined.set(part, end); end += part.length; }
    return new Uint8Array(await crypto.subtle.digest("SHA-256", joined));
  };
  const run = async () => {
    const list = document.getElementById("recompute-steps");
    list.replaceChildren();
    const tell = (text) => { const item = document.createElement("li"); item.textContent = text; list.append(item); };
    const record = new TextEncoder().encode(document.getElementById("record").textContent);
    let hash = await sha256(Uint8Array.of(0), record);
    let holds = hex(hash) === place.dataset.leaf;
    tell(`SHA-256(00 ‖ leaf) = ${hex(hash)}`);
    for (const step of place.dataset.path.split(" ").filter(Boolean)) {
      const sibling = bytes(step.slice(1));
      const [left, right] = step[0] === "L" ? [sibling, hash] : [hash, sibling];
      hash = await sha256(Uint8Array.of(1), left, right);
      tell(`SHA-256(01 ‖ ${hex(left).slice(0, 8)}… ‖ ${hex(right).slice(0, 8)}…) = ${hex(hash)}`);
    }
    // c2sp.org/tlog-checkpoint: origin, size, root in base64.
    const [, size, root] = document.getElementById("checkpoint").textContent.split("\n");
    holds &&= size === place.dataset.size && root === btoa(String.fromCharCode(...hash));
    const verdict = document.getElementById("recompute-verdict");
    verdict.textContent = holds ? place.dataset.holds : place.dataset.fails;
    verdict.className = holds ? "chip verified" : "chip stopped";
  };
  document.getElementById("recompute-run").addEventListener("click", run);
  place.hidden = false;
})();
