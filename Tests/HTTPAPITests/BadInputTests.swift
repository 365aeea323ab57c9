// SPDX-License-Identifier: Apache-2.0

import Assembly
import Foundation
import HTTPAPI
import Primitives
import Testing

/// Files as careless and as hostile people send them, over HTTP, to a node that must refuse each and go on.
@Suite("Bad input at a running node", .serialized)
struct BadInputTests {
    /// Uploads each file in turn; all are refused with the expected problem, in three sentences, and the node still serves.
    private func refused(_ files: [(bytes: [UInt8], name: String, code: String)]) async throws {
        try await ServedNode.run { node in
            for file in files {
                let answer = try await node.publish(file.bytes, named: file.name)
                #expect(answer.json["code"]?.text == file.code, "\(file.name): \(answer.json.canonicalText)")
                #expect((400..<500).contains(answer.status), "\(file.name): \(answer.status)")
                for part in ["title", "detail", "remedy"] {
                    #expect(answer.json[part]?.text?.isEmpty == false, "\(file.name) has no \(part)")
                }
                #expect(try await node.ask("GET", "/healthz").status == 200)
            }
            let good = try await node.publish(Array("city,pm25\nBeijing,12.5\n".utf8), named: "good.csv")
            #expect(good.status == 201, "\(good.json.canonicalText)")
        }
    }

    @Test("a file that is no table is refused by name: a picture, a workbook, nothing at all")
    func noTable() async throws {
        let picture: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d] + (0...255)
        try await refused([
            (picture, "picture.csv", "tables.encoding-unknown"),
            ([0x50, 0x4b, 0x03, 0x04, 0x14], "book.xlsx", "tables.file-is-workbook"),
            ([], "empty.csv", "tables.header-unusable"),
            (
                Array("PAR1 and then nothing that was promised PAR1".utf8), "broken.parquet",
                "tables.file-unreadable"
            ),
            (Array(#"[{"a":1},{"a":"#.utf8), "cut.json", "tables.json-unreadable"),
        ])
    }

    @Test(
        "a ragged row is refused with its line, and so are an open quotation mark and two columns of one name"
    )
    func ragged() async throws {
        try await refused([
            (Array("a,b\n1,2\n3,4,5\n".utf8), "long.csv", "tables.row-ragged"),
            (Array("a,b\n1,2\n3\n".utf8), "short.csv", "tables.row-ragged"),
            (Array("a,b\n1,\"2\n3,4\n".utf8), "open.csv", "tables.row-ragged"),
            (Array("a,A\n1,2\n".utf8), "twice.csv", "tables.header-unusable"),
        ])
        try await ServedNode.run { node in
            let answer = try await node.publish(Array("a,b\n1,2\n3,4\n5,6,7\n".utf8), named: "four.csv")
            #expect(answer.json["detail"]?.text?.contains("4") == true, "\(answer.json.canonicalText)")
        }
    }

    @Test("a file in no encoding we know is refused with the place of the first odd byte")
    func encoding() async throws {
        try await refused([
            (Array("name,x\n".utf8) + [0xff, 0x30, 0x0a], "odd.csv", "tables.encoding-unknown"),
            ([0xff, 0xfe] + Array("a".utf8), "cut-utf16.csv", "tables.encoding-unknown"),
        ])
    }

    @Test("a line of 200 MB, in the header or below it, is refused without being held, and the node goes on")
    func longLine() async throws {
        let line = [UInt8](repeating: UInt8(ascii: "x"), count: 200 << 20)
        try await refused([
            (Array("a\n".utf8) + line + [0x0a], "below.csv", "tables.line-too-long"),
            (line, "header.csv", "tables.line-too-long"),
        ])
    }

    @Test("a file's name reaches no path, no statement and no page: hostile names are only names")
    func hostileNames() async throws {
        try await ServedNode.run { node in
            let names = [
                "../../../etc/passwd", "a'; DROP TABLE register_asset; --.csv",
                "<script>alert(1)</script>.csv",
                "\u{0}.csv", "..", "", "x.parquet/../../y.csv", "con.csv\r\nX-Evil: 1", "*.csv", "{a,b}.csv",
                String(repeating: "长", count: 2000) + ".csv", "-rf.csv", "file with spaces.CSV",
            ]
            for name in names {
                let answer = try await node.publish(Array("a,b\n1,2\n".utf8), named: name)
                #expect(answer.status == 201, "\(name): \(answer.json.canonicalText)")
            }
            let staged = try FileManager.default.contentsOfDirectory(atPath: node.node.courtyard.inbox)
            #expect(staged.isEmpty, "what was taken in is not kept twice")
            for delivery: JSON in ["../node.sqlite", "/etc/passwd", "a/../../x.csv", "missing.csv"] {
                let answer = try await node.post(
                    "/api/v1/assets",
                    [
                        "deliveries": [delivery], "title": "t",
                        "source": [
                            "name": "s", "kind": "institution", "owner": "o", "collector": "o",
                            "method": "system",
                            "ground": "own-operation", "document": "d",
                        ],
                    ])
                #expect((400..<500).contains(answer.status), "\(delivery)")
            }
            #expect(try await node.ask("GET", "/healthz").status == 200)
        }
    }

    @Test("an upload without a token is refused before a byte of it is written")
    func unproven() async throws {
        try await ServedNode.run { node in
            let answer = try await node.ask(
                "POST", "/api/v1/deliveries?name=x.csv", Array("a\n1\n".utf8),
                headers: ["Authorization": "Bearer no"])
            #expect(answer.status == 401)
            #expect(try FileManager.default.contentsOfDirectory(atPath: node.node.courtyard.inbox).isEmpty)
        }
    }
}
