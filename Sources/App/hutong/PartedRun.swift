// SPDX-License-Identifier: Apache-2.0

import Foundation
import Oblivious
import PSI
import Primitives

/// A match of two tables on disk, part by part: both sides divide their items by the first bits of the same hash, fill
/// each part up to a length that the numbers of rows alone give, and match part after part with fresh randomness. A
/// run that was cut off goes on behind the last part that both sides have.
struct PartedRun {
    let table: SpilledTable
    let terms: PartyTerms
    let isReceiver: Bool
    let console: Console

    /// Rows in a part, at most about: half a GiB of memory a party.
    static let partRowsMost = 1 << 19

    func play(over link: SocketLink, out: String?) async throws -> [String: JSON] {
        defer { link.close() }
        let begun = ContinuousClock.now
        let theirs = try await link.exchange(table.rowCount)
        let (receiver, sender) = isReceiver ? (table.rowCount, theirs) : (theirs, table.rowCount)
        let parts = Self.parts(max(receiver, sender))
        let whole = Digest(of: terms.agreed.bytes + Array("\(parts),\(receiver),\(sender)".utf8))
        var done = try PartsDone(in: table.folder, plan: whole, tableRows: table.rowCount)
        let first = min(done.count, try await link.exchange(done.count))
        guard first <= parts else { throw PSIFailure.malformed }
        var (sent, received, transcripts): (Int, Int, [UInt8]) = (0, 0, [])
        for part in first..<parts {
            console.progress("\(part)/\(parts)")
            let plan = try plan(
                part, of: parts, whole: whole, Self.capacity(receiver, parts), Self.capacity(sender, parts))
            let (result, rows) = try await match(part, of: parts, plan, link)
            try done.add(part, rows: rows)
            sent += result.bytesSent
            received += result.bytesReceived
            transcripts += result.transcript
        }
        let hasRows = isReceiver || terms.output == .rowsToBoth
        if hasRows, let out { try table.write(done.marks, to: out) }
        return [
            "rows": .integer(Int64(table.rowCount)), "rejected": .integer(Int64(table.rejectedCount)),
            "parts": .integer(Int64(parts)), "parts_before": .integer(Int64(first)),
            "bytes_sent": .integer(Int64(sent)), "bytes_received": .integer(Int64(received)),
            "intersection": hasRows ? .integer(Int64(done.marks.count)) : .null,
            "transcript": .string(Digest(of: transcripts).hex),
            "match_seconds": .number(begun.duration(to: .now) / .seconds(1)),
        ]
    }

    /// A power of two, so that each part is some of the table's files.
    static func parts(_ rows: Int) -> Int {
        var parts = 1
        while parts < SpilledTable.fileCount, rows / parts > partRowsMost { parts *= 2 }
        return parts
    }

    /// Items in a part with its filling: the mean and eight standard deviations, so that a part overflows with a
    /// chance below 2^-45 and its length tells nothing but the number of rows.
    static func capacity(_ rows: Int, _ parts: Int) -> Int {
        parts == 1 ? rows : rows / parts + 8 * Int(Double(rows / parts).squareRoot()) + 64
    }

    private func plan(
        _ part: Int, of parts: Int, whole: Digest, _ receiver: Int, _ sender: Int
    ) throws(PSIFailure) -> PSIPlan {
        try PSIPlan(
            method: terms.method, output: terms.output, recipe: terms.recipe.digest, receiverCount: receiver,
            senderCount: sender, agreed: Digest(of: whole.bytes + Array("\(part)".utf8)), parts: parts)
    }

    private func match(
        _ part: Int, of parts: Int, _ plan: PSIPlan, _ link: SocketLink
    ) async throws -> (PSIResult, [Int]) {
        var random = SystemRandomNumberGenerator()
        let (set, numbers) = try table.part(part, of: parts, recipe: terms.recipe)
        var items = set.items
        let capacity = isReceiver ? plan.receiverCount : plan.senderCount
        guard items.count <= capacity else { throw PSIFailure.encodingFailed }
        while items.count < capacity { items.append(.random(using: &random)) }
        let party = PSIParty(plan, link)
        let result =
            isReceiver
            ? try await party.receive(items, using: &random) : try await party.send(items, using: &random)
        let matched = (result.matched ?? []).filter { $0 < set.items.count }
        return (result, set.rows(of: matched).map { numbers[$0] })
    }
}
