// SPDX-License-Identifier: Apache-2.0

internal import CDuckDB
internal import Primitives
internal import Tables

extension DuckDBEngine {
    func define(_ function: TextFunction) async throws(Problem) {
        try await withConnection { connection throws(Problem) in try connection.define(function) }
    }
}

/// Keeps a text function alive for DuckDB, which holds it by an opaque pointer.
private final class FunctionBox: Sendable {
    let function: TextFunction
    init(_ function: TextFunction) { self.function = function }
}

extension DuckDBConnection {
    func define(_ function: TextFunction) throws(Problem) {
        // SAFETY: in this function every handle is made and destroyed here; the box is retained for DuckDB and
        // released by its delete callback, which runs once, when the database closes.
        var text: duckdb_logical_type? = unsafe cduckdb_create_logical_type(
            DuckDBLayout.Kind.varchar.rawValue)
        var scalar: duckdb_scalar_function? = unsafe cduckdb_create_scalar_function()
        defer {
            unsafe cduckdb_destroy_logical_type(&text)
            unsafe cduckdb_destroy_scalar_function(&scalar)
        }
        unsafe cduckdb_scalar_function_set_name(scalar, function.name)
        unsafe cduckdb_scalar_function_add_parameter(scalar, text)
        unsafe cduckdb_scalar_function_set_return_type(scalar, text)
        let box = unsafe Unmanaged.passRetained(FunctionBox(function)).toOpaque()
        unsafe cduckdb_scalar_function_set_extra_info(scalar, box) { box in
            if let box = unsafe box { unsafe Unmanaged<FunctionBox>.fromOpaque(box).release() }
        }
        unsafe cduckdb_scalar_function_set_function(scalar, transformChunk)
        guard unsafe register(scalar) == 0 else {
            throw Problem(.invalid, "tables.query-refused", operatorNote: "function \(function.name)")
        }
    }
}

/// Called by DuckDB for each chunk, on its own threads.
private func transformChunk(
    _ info: duckdb_function_info?, _ input: duckdb_data_chunk?, _ output: duckdb_vector?
) {
    // SAFETY: DuckDB hands over live handles; input and output have the same number of texts; NULL rows are
    // skipped by DuckDB's default null handling, and their places are marked invalid here as well.
    guard let pointer = unsafe cduckdb_scalar_function_get_extra_info(info) else { return }
    let box = unsafe Unmanaged<FunctionBox>.fromOpaque(pointer).takeUnretainedValue()
    let count = Int(unsafe cduckdb_data_chunk_get_size(input))
    let vector = unsafe cduckdb_data_chunk_get_vector(input, 0)
    guard let data = unsafe cduckdb_vector_get_data(vector) else { return }
    let validity = unsafe cduckdb_vector_get_validity(vector)
    func isPresent(_ row: Int) -> Bool {
        guard let validity = unsafe validity else { return true }
        return unsafe validity[row >> 6] >> UInt64(row & 63) & 1 == 1
    }
    let texts = unsafe DuckDBLayout.texts(data, count, isPresent)
    var answers = TextVector()
    answers.reserve(count, bytes: texts.buffer.count)
    do throws(Problem) {
        try box.function.transform(texts, &answers)
    } catch {
        unsafe cduckdb_scalar_function_set_error(info, error.operatorNote ?? error.code)
        return
    }
    unsafe cduckdb_vector_ensure_validity_writable(output)
    let marks = unsafe cduckdb_vector_get_validity(output)
    unsafe answers.buffer.withUnsafeBytes { buffer in
        for row in 0..<count {
            guard isPresent(row) else {
                unsafe cduckdb_validity_set_row_invalid(marks, UInt64(row))
                continue
            }
            let range = answers.range(row)
            let start = unsafe buffer.baseAddress.map {
                unsafe ($0 + range.lowerBound).assumingMemoryBound(to: CChar.self)
            }
            unsafe cduckdb_vector_assign_string_element_len(output, UInt64(row), start, UInt64(range.count))
        }
    }
}
