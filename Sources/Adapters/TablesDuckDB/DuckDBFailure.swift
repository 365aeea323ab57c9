// SPDX-License-Identifier: Apache-2.0

internal import Primitives

/// DuckDB's errors as problems. Its words may quote data, so they go to the operator's note alone.
enum DuckDBFailure {
    /// `duckdb_error_type`, the kinds we tell apart.
    private enum Kind {
        static let outOfRange: Int32 = 1
        static let conversion: Int32 = 2
        static let decimal: Int32 = 4
        static let io: Int32 = 28
        static let interrupt: Int32 = 29
        static let fatal: Int32 = 30
        static let internalError: Int32 = 31
        static let invalidInput: Int32 = 32
        static let outOfMemory: Int32 = 33
        static let permission: Int32 = 34
    }

    static func problem(kind: Int32, _ words: String) -> Problem {
        switch kind {
        case Kind.interrupt: Problem(.unavailable, "tables.query-cancelled")
        case Kind.outOfMemory: Problem(.limited, "tables.memory-spent", operatorNote: words)
        case Kind.permission: Problem(.forbidden, "tables.access-refused", operatorNote: words)
        case Kind.conversion, Kind.outOfRange, Kind.decimal:
            Problem(.invalid, "tables.value-unreadable", operatorNote: words)
        case Kind.io: fileProblem(words)
        case Kind.fatal, Kind.internalError:
            Problem(.fault, "tables.query-refused", operatorNote: words)
        case Kind.invalidInput: problem(unprepared: words)
        default: Problem(.invalid, "tables.query-refused", operatorNote: words)
        }
    }

    /// A failure before the statement ran has no kind: its first words name it.
    static func problem(unprepared words: String) -> Problem {
        if words.hasPrefix("Permission Error") || words.contains("file system operations are disabled")
            || words.contains("configuration has been locked")
        {
            return Problem(.forbidden, "tables.access-refused", operatorNote: words)
        }
        if words.hasPrefix("IO Error") { return fileProblem(words) }
        if words.hasPrefix("Out of Memory") {
            return Problem(.limited, "tables.memory-spent", operatorNote: words)
        }
        if words.hasPrefix("INTERRUPT") { return Problem(.unavailable, "tables.query-cancelled") }
        return Problem(.invalid, "tables.query-refused", operatorNote: words)
    }

    private static func fileProblem(_ words: String) -> Problem {
        if words.contains("No space left") || words.contains("Could not write")
            || words.contains("Cannot open file")
        {
            return Problem(.unavailable, "tables.file-unwritten", operatorNote: words)
        }
        return Problem(.missing, "tables.file-unreadable", ["file": .text("")], operatorNote: words)
    }
}
