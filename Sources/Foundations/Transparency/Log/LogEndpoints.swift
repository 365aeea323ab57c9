// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Primitives

/// What a log answers over HTTP (c2sp.org/tlog-tiles@v0.1.0): the derived files, with the headers that let
/// caches keep them. Any web server over the same folder serves the same.
package struct LogEndpoints: Sendable {
    private let storage: any LogStorage
    private let key: String
    private let policy: String

    /// - Parameters:
    ///   - key: the log's verifier key, answered under `vkey`.
    ///   - policy: what makes a checkpoint of this log count, answered under `policy` (c2sp.org/tlog-policy). It is
    ///     the log's own claim: a reader compares it with what others say.
    package init(storage: any LogStorage, key: NoteKey, policy: TrustPolicy? = nil) {
        self.storage = storage
        self.key = "\(key)\n"
        self.policy = (policy ?? TrustPolicy(log: key)).text
    }

    /// - Parameter path: below the log's prefix, without the leading slash.
    package func answer(_ path: String) throws(Problem) -> WebAnswer {
        if path == "vkey" { return .text(200, key) }
        if path == "policy" { return .text(200, policy) }
        if path == "checkpoint" {
            guard let bytes = try storage.read(path) else { return .text(404, "no checkpoint yet\n") }
            // "The checkpoint … should have a short cache lifetime": it is the one file that changes.
            return WebAnswer(
                status: 200,
                headers: ["content-type": "text/plain; charset=utf-8", "cache-control": "public, max-age=2"],
                body: bytes
            )
        }
        guard let tile = TileAddress(path: path), let bytes = try storage.read(tile.path) else {
            return .text(404, "no such tile\n")
        }
        return WebAnswer(
            status: 200,
            headers: [
                "content-type": "application/octet-stream",
                "cache-control": "public, max-age=31536000, immutable",
            ],
            body: bytes
        )
    }
}
