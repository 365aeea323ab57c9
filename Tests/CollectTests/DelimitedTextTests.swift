// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives
import Tables
import TablesDuckDB
import Testing

@Suite("Delimited text")
struct DelimitedTextTests {
    private let folder: TemporaryFolder
    private let engine: any TableEngine

    init() throws {
        folder = try TemporaryFolder()
        engine = try DuckDBEngineFactory().open(EngineLimits(memoryBytes: 256 << 20))
    }

    private func read(_ text: String) async throws -> (CSVLayout, [[String?]]) {
        let path = try folder.write("file.csv", Array(text.utf8))
        let layout = try await engine.layout(of: [path])
        try await engine.attach(.csv([path], layout), as: "file")
        let answer = try await engine.rows(TableQuery("SELECT * FROM file"), rowsMax: 100_000)
        return (layout, answer.rows.map { $0.map(\.written) })
    }

    @Test("codes keep their leading zeros, decimals stay exact, long numbers stay text")
    func types() async throws {
        let (layout, rows) = try await read(
            """
            code,count,amount,ratio,identity,flag
            00123,7,1.50,1e-3,110105194912310021,true
            12345,-8,12.25,2.5,110105194912310038,FALSE
            ,NA,,0.1,,

            """)
        #expect(
            layout.columns.map(\.type) == [
                .text, .integer, .decimal(width: 4, scale: 2), .real, .text, .bool,
            ])
        #expect(rows[0] == ["00123", "7", "1.50", "0.001", "110105194912310021", "true"])
        #expect(rows[2] == [nil, nil, nil, "0.1", nil, nil])
    }

    @Test("a value far beyond the sample still decides the type")
    func lateStray() async throws {
        let lines = (0..<30_000).map { "\($0),\($0)" } + ["007,1.25"]
        let (layout, rows) = try await read("a,b\n" + lines.joined(separator: "\n") + "\n")
        #expect(layout.columns.map(\.type) == [.text, .decimal(width: 7, scale: 2)])
        #expect(rows.last == ["007", "1.25"])
    }

    @Test("Chinese and slashed dates are dates")
    func dates() async throws {
        let (layout, rows) = try await read(
            "日期,时间,签订\n2024年3月5日,2024-03-05 08:09:10,2024/3/5\n2024年12月15日,2024-12-15 23:59:59,2024/12/15\n")
        #expect(layout.columns.map(\.type) == [.day, .timestamp, .day])
        #expect(rows[0] == ["2024-03-05", "2024-03-05 08:09:10", "2024-03-05"])
    }

    @Test("quoted commas, quotation marks and line breaks stay inside their field")
    func quoting() async throws {
        let (_, rows) = try await read("name,note\n\"a,b\",\"say \"\"hi\"\"\"\n\"line\nbreak\",x\n")
        #expect(rows == [["a,b", "say \"hi\""], ["line\nbreak", "x"]])
    }

    @Test("a byte-order mark, tabs and CRLF are taken as they come")
    func marks() async throws {
        let (layout, rows) = try await read("\u{feff}名称\t值\r\n空气\t1\r\n")
        #expect(layout.columns.map(\.name) == ["名称", "值"])
        #expect(rows == [["空气", "1"]])
    }

    @Test("a ragged row is refused with its line, never padded in silence")
    func ragged() async throws {
        let path = try folder.write("ragged.csv", Array("a,b\n1,2\n3\n4,5\n".utf8))
        let problem = await #expect(throws: Problem.self) { _ = try await engine.layout(of: [path]) }
        #expect(problem?.code == "tables.row-ragged")
        #expect(problem?.arguments["line"] == .integer(3))
    }

    @Test("a header that does not name the columns is refused with the reason")
    func headers() async throws {
        for text in ["a,,c\n1,2,3\n", "a,A\n1,2\n", ""] {
            let path = try folder.write("header.csv", Array(text.utf8))
            let problem = await #expect(throws: Problem.self) { _ = try await engine.layout(of: [path]) }
            #expect(problem?.code == "tables.header-unusable")
        }
    }

    @Test("GB18030 and UTF-16 are told apart from UTF-8 and turned into it")
    func encodings() throws {
        let text = String(repeating: "编号,名称\n0001,空气质量监测站𠀀\n", count: 60_000)
        let units = Array(text.utf16)
        let utf16: [UInt8] =
            [0xff, 0xfe]
            + units.flatMap { (unit: UInt16) -> [UInt8] in
                [UInt8(truncatingIfNeeded: unit), UInt8(unit >> 8)]
            }
        let utf16Path = try folder.write("utf16.csv", utf16)
        #expect(try FileSurvey(of: utf16Path).encoding == .utf16LittleEndian)
        let plain = try folder.write("plain.csv", Array(text.utf8))
        #expect(try FileSurvey(of: plain).encoding == .utf8)
        let converted = try folder.write("gb.csv", [])
        let iconv = Process()
        iconv.executableURL = URL(filePath: "/usr/bin/iconv")
        iconv.arguments = ["-f", "UTF-8", "-t", "GB18030", "-o", converted, plain]
        try iconv.run()
        iconv.waitUntilExit()
        let survey = try FileSurvey(of: converted)
        #expect(survey.encoding == .gb18030)
        for (path, encoding) in [(converted, survey.encoding), (utf16Path, .utf16LittleEndian)] {
            try TextDecoding.decode(path, from: encoding, to: folder.path("decoded.csv"))
            #expect(try FileSurvey(of: folder.path("decoded.csv")).digest == Digest(of: text))
        }
    }

    @Test("bytes that are no text are refused with their place")
    func binary() throws {
        let path = try folder.write("odd.csv", Array("a,b\n1,".utf8) + [0xff, 0xff, 0xff, 0x20])
        #expect(throws: Problem.self) {
            try TextDecoding.decode(path, from: try FileSurvey(of: path).encoding, to: folder.path("x"))
        }
    }

    @Test("a workbook is refused with how to save it as CSV")
    func workbook() throws {
        let path = try folder.write("table.xlsx", [0x50, 0x4b, 3, 4, 0, 0])
        let problem = #expect(throws: Problem.self) { _ = try FileSurvey(of: path) }
        #expect(problem?.code == "tables.file-is-workbook")
    }
}
