// SPDX-License-Identifier: Apache-2.0

package import Primitives

extension SQLConvertible {
    package func bind(at place: Int, of statement: some SQLArguments) {
        statement.bind(sqlValue, at: place)
    }
}

extension SQLValue: SQLConvertible {
    package var sqlValue: SQLValue { self }
}

extension Int64: SQLConvertible {
    package var sqlValue: SQLValue { .integer(self) }
    package func bind(at place: Int, of statement: some SQLArguments) {
        statement.bind(integer: self, at: place)
    }
}

extension Int: SQLConvertible {
    package var sqlValue: SQLValue { .integer(Int64(self)) }
    package func bind(at place: Int, of statement: some SQLArguments) {
        statement.bind(integer: Int64(self), at: place)
    }
}

extension Bool: SQLConvertible {
    package var sqlValue: SQLValue { .integer(self ? 1 : 0) }
    package func bind(at place: Int, of statement: some SQLArguments) {
        statement.bind(integer: self ? 1 : 0, at: place)
    }
}

extension Double: SQLConvertible {
    package var sqlValue: SQLValue { .real(self) }
}

extension String: SQLConvertible {
    package var sqlValue: SQLValue { .text(self) }
    package func bind(at place: Int, of statement: some SQLArguments) {
        statement.bind(text: self, at: place)
    }
}

extension [UInt8]: SQLConvertible {
    package var sqlValue: SQLValue { .blob(self) }
}

extension ID: SQLConvertible {
    package var sqlValue: SQLValue { .blob(bytes) }
    package func bind(at place: Int, of statement: some SQLArguments) {
        statement.bind(high: high, low: low, at: place)
    }
}

extension Digest: SQLConvertible {
    package var sqlValue: SQLValue { .blob(bytes) }
}

extension Instant: SQLConvertible {
    package var sqlValue: SQLValue { .integer(microseconds) }
    package func bind(at place: Int, of statement: some SQLArguments) {
        statement.bind(integer: microseconds, at: place)
    }
}

extension Code: SQLConvertible {
    package var sqlValue: SQLValue { .text(text) }
}

extension JSON: SQLConvertible {
    /// Stored as canonical text.
    package var sqlValue: SQLValue { .text(canonicalText) }
}

extension Optional: SQLConvertible where Wrapped: SQLConvertible {
    package var sqlValue: SQLValue { self?.sqlValue ?? .null }
    package func bind(at place: Int, of statement: some SQLArguments) {
        switch self {
        case .some(let value): value.bind(at: place, of: statement)
        case .none: statement.bind(.null, at: place)
        }
    }
}

// MARK: Reading a row

extension SQLRow {
    /// The column as an integer. Another type is a defect of the schema or a damaged file: `fault`.
    package func integer(_ column: Int) throws(Problem) -> Int64 {
        guard let value = integerIfAny(column) else { throw mismatch(column, "an integer") }
        return value
    }

    package func int(_ column: Int) throws(Problem) -> Int { Int(try integer(column)) }
    package func bool(_ column: Int) throws(Problem) -> Bool { try integer(column) != 0 }

    package func text(_ column: Int) throws(Problem) -> String {
        guard case .text(let value) = self[column] else { throw mismatch(column, "text") }
        return value
    }

    package func blob(_ column: Int) throws(Problem) -> [UInt8] {
        guard case .blob(let value) = self[column] else { throw mismatch(column, "bytes") }
        return value
    }

    package func real(_ column: Int) throws(Problem) -> Double {
        switch self[column] {
        case .real(let value): return value
        case .integer(let value): return Double(value)
        default: throw mismatch(column, "a number")
        }
    }

    package func id<Noun>(_ column: Int, of: Noun.Type = Noun.self) throws(Problem) -> ID<Noun> {
        guard let words = wordsIfAny(column) else { throw mismatch(column, "an identifier") }
        return ID(high: words.high, low: words.low)
    }

    package func digest(_ column: Int) throws(Problem) -> Digest {
        guard let digest = Digest(bytes: try blob(column)) else { throw mismatch(column, "a digest") }
        return digest
    }

    package func instant(_ column: Int) throws(Problem) -> Instant {
        Instant(microseconds: try integer(column))
    }

    package func json(_ column: Int) throws(Problem) -> JSON {
        do {
            return try JSON(parsing: try text(column))
        } catch let failure as JSON.ParseFailure {
            throw mismatch(column, "JSON (\(failure.reason) at \(failure.offset))")
        } catch let problem as Problem {
            throw problem
        } catch {
            throw mismatch(column, "JSON")
        }
    }

    package func isNull(_ column: Int) -> Bool { self[column] == .null }

    /// `nil` where the column is NULL, else what `read` makes of it.
    package func optional<Value>(
        _ column: Int, _ read: (Int) throws(Problem) -> Value
    ) throws(Problem) -> Value? {
        isNull(column) ? nil : try read(column)
    }

    private func mismatch(_ column: Int, _ wanted: String) -> Problem {
        Problem(.fault, "store.row-unreadable", operatorNote: "column \(column) is not \(wanted)")
    }
}

extension SQLReading {
    /// Every row, each made into a value.
    package func all<Value>(
        _ sql: String, _ arguments: [any SQLConvertible] = [], _ make: (any SQLRow) throws(Problem) -> Value
    ) throws(Problem) -> [Value] {
        var values: [Value] = []
        try query(sql, arguments) { row throws(Problem) in values.append(try make(row)) }
        return values
    }

    /// The first row made into a value, or `nil` where there is none.
    package func first<Value>(
        _ sql: String, _ arguments: [any SQLConvertible] = [], _ make: (any SQLRow) throws(Problem) -> Value
    ) throws(Problem) -> Value? {
        var value: Value?
        try query(sql, arguments) { row throws(Problem) in
            if value == nil { value = try make(row) }
        }
        return value
    }

    /// The one integer that a counting query answers; 0 where it answers no row.
    package func count(_ sql: String, _ arguments: [any SQLConvertible] = []) throws(Problem) -> Int64 {
        try first(sql, arguments) { row throws(Problem) in try row.integer(0) } ?? 0
    }
}

extension SQLWriting {
    @discardableResult
    package func execute(_ sql: String) throws(Problem) -> Int { try execute(sql, []) }
}
