// SPDX-License-Identifier: Apache-2.0

internal import CDuckDB
internal import Primitives
internal import Tables

/// The columns of one answer and how their chunks are read into typed arrays.
struct DuckDBLayout {
    /// `duckdb_type` of the C API.
    enum Kind: Int32 {
        case boolean = 1
        case int8, int16, int32, int64, uint8, uint16, uint32, uint64, float, double
        case timestamp, date, time, interval, hugeint, varchar, blob, decimal
        case timestampSeconds, timestampMilliseconds, timestampNanoseconds
        case enumeration, list, structure, map, uuid, union, bit, timeZoned, timestampZoned, uhugeint
        case sqlNull = 36
    }

    private struct Reader {
        let kind: Kind
        let decimalScale: Int
        let decimalStorage: Kind
    }

    let columns: [Column]
    private let readers: [Reader]

    init(of result: inout duckdb_result) throws(Problem) {
        var columns: [Column] = []
        var readers: [Reader] = []
        // SAFETY: the result is live, names are copied, and each logical type is destroyed where it was made.
        for place in 0..<(unsafe cduckdb_column_count(&result)) {
            let name = unsafe cduckdb_column_name(&result, place).map { unsafe String(cString: $0) } ?? ""
            var type: duckdb_logical_type? = unsafe cduckdb_column_logical_type(&result, place)
            defer { unsafe cduckdb_destroy_logical_type(&type) }
            let kind = Kind(rawValue: unsafe cduckdb_get_type_id(type))
            let isDecimal = kind == .decimal
            let width = isDecimal ? Int(unsafe cduckdb_decimal_width(type)) : 0
            let scale = isDecimal ? Int(unsafe cduckdb_decimal_scale(type)) : 0
            guard let kind, let columnType = Self.columnType(kind, width: width, scale: scale) else {
                throw Problem(
                    .invalid, "tables.type-unsupported",
                    ["column": .text(name), "type": .text(kind.map { "\($0)" } ?? "?")])
            }
            let storage = isDecimal ? Kind(rawValue: unsafe cduckdb_decimal_internal_type(type)) : nil
            columns.append(Column(name, columnType))
            readers.append(Reader(kind: kind, decimalScale: scale, decimalStorage: storage ?? kind))
        }
        self.columns = columns
        self.readers = readers
    }

    private static func columnType(_ kind: Kind, width: Int, scale: Int) -> ColumnType? {
        switch kind {
        case .boolean: .bool
        case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .hugeint, .uhugeint: .integer
        case .float, .double: .real
        case .decimal: .decimal(width: width, scale: scale)
        case .varchar, .uuid, .sqlNull: .text
        case .blob: .bytes
        case .date: .day
        case .time: .time
        case .timestamp, .timestampSeconds, .timestampMilliseconds, .timestampNanoseconds, .timestampZoned:
            .timestamp
        case .interval, .enumeration, .list, .structure, .map, .union, .bit, .timeZoned: nil
        }
    }

    /// Copies a chunk. Cost: one pass over its values.
    func batch(_ chunk: duckdb_data_chunk?) -> TableBatch {
        // SAFETY: the chunk is live; every vector has `count` values of its column's type.
        let count = Int(unsafe cduckdb_data_chunk_get_size(chunk))
        let vectors = readers.indices.map { place in
            unsafe vector(cduckdb_data_chunk_get_vector(chunk, UInt64(place)), readers[place], count)
        }
        return TableBatch(columns: columns, vectors: vectors, rowCount: count)
    }

    private func vector(_ vector: duckdb_vector?, _ reader: Reader, _ count: Int) -> ColumnVector {
        // SAFETY: as in `batch`; validity is NULL or one bit a row, in whole words.
        let words = (count + 63) / 64
        let validity = unsafe cduckdb_vector_get_validity(vector).map { pointer in
            unsafe Array(UnsafeBufferPointer(start: pointer, count: words))
        }
        let isPresent = { (row: Int) in validity.map { $0[row >> 6] >> UInt64(row & 63) & 1 == 1 } ?? true }
        guard let data = unsafe cduckdb_vector_get_data(vector), count > 0, reader.kind != .sqlNull else {
            var empty = TextVector()
            for _ in 0..<count { empty.append("") }
            return ColumnVector(.texts(empty), validity: [UInt64](repeating: 0, count: words))
        }
        return ColumnVector(unsafe storage(data, reader, count, isPresent), validity: validity)
    }

    private func storage(
        _ data: UnsafeMutableRawPointer, _ reader: Reader, _ count: Int, _ isPresent: (Int) -> Bool
    ) -> ColumnVector.Storage {
        // SAFETY: `data` holds `count` values of the type that `reader` names (DuckDB's vector format).
        func copy<Value>(_ type: Value.Type) -> [Value] {
            unsafe Array(UnsafeBufferPointer(start: data.assumingMemoryBound(to: type), count: count))
        }
        func wide() -> [Int128] {
            copy(duckdb_hugeint.self).map { Int128($0.upper) << 64 | Int128($0.lower) }
        }
        return switch reader.kind {
        case .boolean: .bools(copy(UInt8.self).map { $0 != 0 })
        case .int8: .integers(copy(Int8.self).map { Int64($0) })
        case .int16: .integers(copy(Int16.self).map { Int64($0) })
        case .int32: .integers(copy(Int32.self).map { Int64($0) })
        case .int64: .integers(copy(Int64.self))
        case .uint8: .integers(copy(UInt8.self).map { Int64($0) })
        case .uint16: .integers(copy(UInt16.self).map { Int64($0) })
        case .uint32: .integers(copy(UInt32.self).map { Int64($0) })
        case .uint64: .wideIntegers(copy(UInt64.self).map { Int128($0) })
        case .hugeint, .uhugeint: .wideIntegers(wide())
        case .float: .reals(copy(Float.self).map { Double($0) })
        case .double: .reals(copy(Double.self))
        case .decimal:
            switch reader.decimalStorage {
            case .int16: .decimals(copy(Int16.self).map { Int128($0) }, scale: reader.decimalScale)
            case .int32: .decimals(copy(Int32.self).map { Int128($0) }, scale: reader.decimalScale)
            case .int64: .decimals(copy(Int64.self).map { Int128($0) }, scale: reader.decimalScale)
            default: .decimals(wide(), scale: reader.decimalScale)
            }
        case .date: .days(copy(Int32.self))
        case .time: .times(copy(Int64.self))
        case .timestamp, .timestampZoned: .timestamps(copy(Int64.self))
        case .timestampSeconds: .timestamps(copy(Int64.self).map { $0 &* 1_000_000 })
        case .timestampMilliseconds: .timestamps(copy(Int64.self).map { $0 &* 1000 })
        case .timestampNanoseconds: .timestamps(copy(Int64.self).map { $0 / 1000 })
        case .uuid: .texts(Self.uuids(wide()))
        case .blob: .bytes(unsafe Self.texts(data, count, isPresent))
        default: .texts(unsafe Self.texts(data, count, isPresent))
        }
    }

    /// Texts lie as 16 bytes each: a length, then up to 12 bytes in place, else 4 bytes and a pointer.
    static func texts(_ data: UnsafeMutableRawPointer, _ count: Int, _ isPresent: (Int) -> Bool) -> TextVector
    {
        var texts = TextVector()
        texts.reserve(count, bytes: count * 16)
        for row in 0..<count {
            guard isPresent(row) else {
                texts.append("")
                continue
            }
            // SAFETY: a present value is a valid duckdb_string_t, whose bytes live as long as the chunk.
            let place = unsafe data + row * 16
            let length = Int(unsafe place.load(as: UInt32.self))
            let start =
                unsafe length <= 12
                ? UnsafeRawPointer(place + 4) : place.load(fromByteOffset: 8, as: UnsafeRawPointer.self)
            unsafe texts.append(UnsafeRawBufferPointer(start: start, count: length))
        }
        return texts
    }

    private static func uuids(_ values: [Int128]) -> TextVector {
        var texts = TextVector()
        for value in values {
            // DuckDB flips the top bit, so that UUIDs sort as signed numbers.
            let bits = UInt128(truncatingIfNeeded: value) ^ (UInt128(1) << 127)
            let bytes = (0..<16).map { UInt8(truncatingIfNeeded: bits >> UInt128(120 - 8 * $0)) }
            texts.append(ID<UUIDText>(bytes: bytes)?.uuid ?? "")
        }
        return texts
    }

    private enum UUIDText {}
}
