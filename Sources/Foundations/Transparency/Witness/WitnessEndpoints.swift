// SPDX-License-Identifier: Apache-2.0

private import Identity
package import Primitives

/// What a witness answers over HTTP (c2sp.org/tlog-witness@v1.0.0): a function from request to answer, mounted
/// by whichever server there is.
package struct WitnessEndpoints: Sendable {
    private let witness: Witness

    package init(_ witness: Witness) {
        self.witness = witness
    }

    /// - Parameter path: below the witness's prefix, without the leading slash.
    package func answer(_ method: WebMethod, _ path: String, body: [UInt8]) async throws(Problem) -> WebAnswer
    {
        switch (method, path) {
        case (.post, "add-checkpoint"):
            return Self.answer(try await witness.addCheckpoint(body))
        case (.get, "vkey"):
            return .text(200, "\(witness.key)\n")
        case (.get, _):
            return try await checkpoint(path)
        default:
            return .text(405, "add-checkpoint takes POST\n")
        }
    }

    /// `<hex SHA-256(origin)>/checkpoint`: the last one this witness cosigned, for monitors.
    private func checkpoint(_ path: String) async throws(Problem) -> WebAnswer {
        for origin in witness.origins where path == Digest(of: origin).hex + "/checkpoint" {
            guard let latest = try await witness.latest(origin) else { break }
            return WebAnswer(
                status: 200,
                headers: ["content-type": "text/plain; charset=utf-8", "cache-control": "no-cache"],
                body: latest.bytes
            )
        }
        return .text(404, "no such checkpoint\n")
    }

    private static func answer(_ answer: Witness.Answer) -> WebAnswer {
        switch answer {
        case .cosigned(let lines): .text(200, lines.map(\.line).joined())
        case .unknownOrigin: .text(404, "this witness does not watch that log\n")
        case .unsigned: .text(403, "no known key of the log signed the checkpoint\n")
        case .malformed:
            .text(400, "not an add-checkpoint request, or its old size is beyond the checkpoint\n")
        case .conflict(let size): .text(409, "\(size)\n", type: "text/x.tlog.size")
        case .inconsistent:
            .text(422, "the proof does not lead from the last cosigned checkpoint to this one\n")
        }
    }
}
