// SPDX-License-Identifier: Apache-2.0

import Primitives
import Synchronization

/// In which tables of a version somebody has more than one row, by version and rules: looked up once in a process,
/// because a version never changes. Owns the map.
final class RepeatedPeople: Sendable {
    private let known = Mutex<[Digest: Set<String>]>([:])
    /// More versions than this are asked about in one run of a node by nobody; then it begins anew.
    private static let versionsMax = 4096

    func tables(
        _ version: Digest, _ rules: Digest, orElse look: () async throws(Problem) -> Set<String>
    ) async throws(Problem) -> Set<String> {
        let key = Digest(of: version.bytes + rules.bytes)
        if let tables = known.withLock({ $0[key] }) { return tables }
        let tables = try await look()
        known.withLock { map in
            if map.count >= Self.versionsMax { map = [:] }
            map[key] = tables
        }
        return tables
    }
}
