// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives

extension Story {
    /// Reads every byte that crossed between the processes, and the exchange's folder, for raw rows: each person code
    /// as UTF-8, UTF-16, hexadecimal and base 64, and each station–hour–PM2.5 triple as the files write it.
    func searchWire() throws -> [String: JSON] {
        let needles = try rawNeedles()
        var searched: Int64 = 0
        for node in nodes {
            let bytes = try read(data + "/wire/\(node.name).bytes")
            searched += Int64(bytes.count)
            if let leak = needles.first(in: bytes) {
                try hold(false, "a raw value crossed to \(node.name): \(leak)")
            }
        }
        // The exchange relays answers sealed: its folder holds none of their values.
        let values = (answers["visits"]?["rows"]?.array ?? []).prefix(200).map {
            Array($0.canonicalText.utf8)
        }
        let database = exchange.data + "/node.sqlite"
        let folder = store == nil ? try read(database) + ((try? read(database + "-wal")) ?? []) : []
        let clear = NeedleSet(values.filter { $0.count >= 12 })
        if let leak = clear.first(in: folder) {
            try hold(false, "an answer lies open at the exchange: \(leak)")
        }
        return [
            "bytesSearched": .integer(searched), "rawValuesFound": 0,
            "needles": .integer(Int64(needles.count)),
        ]
    }

    private func read(_ path: String) throws -> [UInt8] {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw Problem(.missing, "app.file-unreadable", ["file": .text(path)])
        }
        return Array(bytes)
    }

    /// How bytes look inside a longer base-64 text, `lead` bytes into a group of three: with every value of the bits
    /// that the byte before shares with the first character, so that no bit of the code is left out.
    private func base64Forms(of bytes: [UInt8], after lead: Int) -> [[UInt8]] {
        let skipped = lead == 0 ? 0 : lead
        let befores: [UInt8] = lead == 0 ? [0] : lead == 1 ? [0, 1, 2, 3] : (0..<16).map { $0 }
        return befores.map { before in
            let text = Array(Base64.encode([UInt8](repeating: before, count: lead) + bytes).utf8)
            // The last character may share bits with the byte after: it is left away.
            return Array(text.dropFirst(skipped).prefix((bytes.count * 8 + lead * 8) / 6 - skipped))
        }
    }

    private func rawNeedles() throws -> NeedleSet {
        var needles: [[UInt8]] = []
        let visits = String(decoding: try read(data + "/synthetic-visits.csv"), as: UTF8.self)
        let clients = String(decoding: try read(data + "/synthetic-clients.csv"), as: UTF8.self)
        let people = [visits, clients].flatMap { $0.split(separator: "\n").dropFirst().map { $0.prefix(7) } }
        for person in Set(people) {
            let bytes = Array(person.utf8)
            needles.append(bytes)
            needles.append(bytes.flatMap { [$0, 0] })
            needles.append(bytes.flatMap { [0, $0] })
            needles.append(Array(Hex.encode(bytes).utf8))
            // Base 64 of the code at each of the three places it can begin within a group.
            for lead in 0..<3 { needles += base64Forms(of: bytes, after: lead) }
        }
        for file in airFiles {
            let lines = String(decoding: try read(file), as: UTF8.self).split(separator: "\n").dropFirst()
            for line in lines {
                let fields = line.split(separator: ",", maxSplits: 6, omittingEmptySubsequences: false)
                guard fields.count == 7, fields[5] != "NA" else { continue }
                needles.append(Array(fields[1...5].joined(separator: ",").utf8) + [UInt8(ascii: ",")])
            }
        }
        return NeedleSet(needles)
    }
}

/// Many byte strings looked for at once: by their first eight bytes (fewer are padded in), then compared.
struct NeedleSet {
    private var buckets: [UInt64: [[UInt8]]] = [:]
    private(set) var count = 0
    private static let window = 7

    init(_ needles: [[UInt8]]) {
        for needle in needles where needle.count >= Self.window {
            buckets[Self.key(needle[0..<Self.window]), default: []].append(needle)
            count += 1
        }
    }

    /// The first needle that occurs, as text.
    func first(in bytes: [UInt8]) -> String? {
        guard bytes.count >= Self.window else { return nil }
        var key: UInt64 = 0
        for (place, byte) in bytes.enumerated() {
            key = (key << 8 | UInt64(byte)) & 0xff_ffff_ffff_ffff
            let start = place - Self.window + 1
            guard start >= 0, let candidates = buckets[key] else { continue }
            for needle in candidates where bytes[start...].starts(with: needle) {
                return String(decoding: needle, as: UTF8.self)
            }
        }
        return nil
    }

    private static func key(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
}
