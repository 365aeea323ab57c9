// SPDX-License-Identifier: Apache-2.0

internal import Primitives

/// Up to a few thousand rows of an answer, kept by column: typed arrays, one for each column.
package struct TableBatch: Sendable {
    package let columns: [Column]
    package let vectors: [ColumnVector]
    package let rowCount: Int

    package init(columns: [Column], vectors: [ColumnVector], rowCount: Int) {
        self.columns = columns
        self.vectors = vectors
        self.rowCount = rowCount
    }

    /// One row, each value boxed: for small answers.
    package func row(_ place: Int) -> [TableValue] {
        vectors.map { $0[place] }
    }
}

/// The values of one column in one batch.
package struct ColumnVector: Sendable {
    /// Where a value is null its place holds zero or an empty text.
    package enum Storage: Sendable {
        case bools([Bool])
        case integers([Int64])
        /// Integers beyond 64 bits.
        case wideIntegers([Int128])
        case decimals([Int128], scale: Int)
        case reals([Double])
        case texts(TextVector)
        case bytes(TextVector)
        case days([Int32])
        /// Microseconds since 1970.
        case timestamps([Int64])
        /// Microseconds since midnight.
        case times([Int64])
    }

    package let storage: Storage
    /// One bit a row, 1 where the value is there; `nil` where no value is null.
    package let validity: [UInt64]?

    package init(_ storage: Storage, validity: [UInt64]? = nil) {
        self.storage = storage
        self.validity = validity
    }

    package func isNull(_ row: Int) -> Bool {
        guard let validity else { return false }
        return validity[row >> 6] >> UInt64(row & 63) & 1 == 0
    }

    package subscript(_ row: Int) -> TableValue {
        guard !isNull(row) else { return .null }
        return switch storage {
        case .bools(let values): .bool(values[row])
        case .integers(let values): .integer(Int128(values[row]))
        case .wideIntegers(let values): .integer(values[row])
        case .decimals(let values, let scale): .decimal(ExactDecimal(unscaled: values[row], scale: scale))
        case .reals(let values): .real(values[row])
        case .texts(let values): .text(values[row])
        case .bytes(let values): .bytes(Array(values.bytes(row)))
        case .days(let values): .day(values[row])
        case .timestamps(let values): .timestamp(Instant(microseconds: values[row]))
        case .times(let values): .time(values[row])
        }
    }
}

/// Many short texts in one buffer.
package struct TextVector: Sendable {
    package private(set) var buffer: [UInt8] = []
    /// Text `i` stands at `ends[i - 1] ..< ends[i]`.
    package private(set) var ends: [Int] = []

    package init() {}

    package var count: Int { ends.count }

    package mutating func reserve(_ rows: Int, bytes: Int) {
        ends.reserveCapacity(rows)
        buffer.reserveCapacity(bytes)
    }

    package mutating func append(_ text: some Sequence<UInt8>) {
        buffer.append(contentsOf: text)
        ends.append(buffer.count)
    }

    package mutating func append(_ text: String) {
        append(text.utf8)
    }

    package func range(_ row: Int) -> Range<Int> {
        (row == 0 ? 0 : ends[row - 1])..<ends[row]
    }

    package func bytes(_ row: Int) -> ArraySlice<UInt8> {
        buffer[range(row)]
    }

    package subscript(_ row: Int) -> String {
        String(decoding: bytes(row), as: UTF8.self)
    }
}
