// SPDX-License-Identifier: Apache-2.0

private import CDuckDB
private import Foundation
internal import Primitives

/// Finds and loads the DuckDB library, once a process.
enum DuckDBLibrary {
    /// Throws `tables.library-missing` unless every function of `CDuckDB` is there.
    static func load() throws(Problem) {
        if let problem = loaded { throw problem }
    }

    /// HUTONG_DUCKDB; beside the executable; the build folder; the system's place.
    static var places: [String] {
        let beside = URL(filePath: CommandLine.arguments.first ?? "").deletingLastPathComponent().path()
        let fixed = [
            beside + "/libduckdb.so", beside + "/../../duckdb/libduckdb.so", ".build/duckdb/libduckdb.so",
            "/usr/local/lib/hutong/libduckdb.so",
        ]
        guard let wish = ProcessInfo.processInfo.environment["HUTONG_DUCKDB"] else { return fixed }
        return [wish]
    }

    private static let loaded: Problem? = {
        var reasons: [String] = []
        for place in places where FileManager.default.fileExists(atPath: place) {
            // SAFETY: the answer is NULL or a NUL-terminated text, which is copied at once.
            guard let reason = unsafe cduckdb_load(place).map({ unsafe String(cString: $0) }) else {
                return nil
            }
            reasons.append(reason)
        }
        return Problem(
            .unavailable, "tables.library-missing", ["places": .list(places)],
            operatorNote: reasons.isEmpty ? nil : reasons.joined(separator: "; "))
    }()
}
