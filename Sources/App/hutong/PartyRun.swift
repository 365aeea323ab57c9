// SPDX-License-Identifier: Apache-2.0

import Assembly
import Foundation
import Oblivious
import PSI
import Primitives
import Tables

/// One side of a match between two processes: reads its table, runs the protocol, writes what matched. Returns the
/// members of the answer; throws `PSIFailure` when the run ends early.
struct PartyRun {
    let verb: PSIPartyVerb
    let console: Console

    private var terms: PartyTerms { verb.terms }
    private var isListening: Bool { verb.listen != nil }
    private var keys: [String] { verb.key.split(separator: ",").map(String.init) }

    func play() async throws -> [String: JSON] {
        if terms.method == .unbalanced { return try await unbalanced() }
        if let work = verb.work { return try await inParts(URL(filePath: work)) }
        if terms.output == .shares { return try await shared() }
        return terms.output.isHeld ? try await held() : try await plain()
    }

    private func link() throws -> SocketLink {
        try verb.listen.map { try SocketLink.listening(on: $0, deadlineSeconds: verb.deadline) }
            ?? SocketLink.connected(to: verb.connect ?? "", deadlineSeconds: verb.deadline)
    }

    // MARK: Tables in memory

    private func table() throws -> KeyedTable {
        var amount: AmountColumn?
        if !isListening, let column = terms.want.column {
            amount = AmountColumn(name: column, decimals: terms.decimals, most: terms.most)
        }
        return try KeyedTable(
            file: verb.in, key: keys, recipe: terms.recipe, by: isListening ? verb.by : nil, amount: amount)
    }

    private func plain() async throws -> [String: JSON] {
        let ahead = try verb.prepared.map { try PreparedFile(opening: $0, isReceiver: isListening) }
        let table = try table()
        let link = try link()
        defer { link.close() }
        let begun = ContinuousClock.now
        let theirs = try await link.exchange(table.items.items.count)
        let plan = try plan(mine: table.items.items.count, theirs: theirs, isReceiver: isListening)
        let result = try await played(table, plan, ahead, over: link)
        var members = facts(table, result.transcript, result.bytesSent, result.bytesReceived, since: begun)
        if let matched = result.matched {
            members["intersection"] = .integer(Int64(matched.count))
            if let out = verb.out { try table.write(rows: table.items.rows(of: matched), to: out) }
        }
        if let counts = result.counts {
            members["intersection"] = .integer(Int64(counts.reduce(0, +)))
            if verb.by != nil {
                let named = zip(table.groupNames, counts).map { ($0, JSON.integer(Int64($1))) }
                members["groups"] = .object(Dictionary(named) { first, _ in first })
            }
        }
        return members
    }

    private func played(
        _ table: KeyedTable, _ plan: PSIPlan, _ ahead: PreparedFile?, over link: SocketLink
    ) async throws(PSIFailure) -> PSIResult {
        var random = SystemRandomNumberGenerator()
        guard let ahead else {
            let party = PSIParty(plan, link)
            return isListening
                ? try await party.receive(table.items.items, groups: table.groups, using: &random)
                : try await party.send(table.items.items, using: &random)
        }
        let party = PSIParty(try plan.using(ahead.name), link)
        switch ahead.half {
        case .receiver(let vole):
            return try await party.receive(table.items.items, with: vole, using: &random, claim: ahead.claim)
        case .sender(let vole):
            return try await party.send(table.items.items, with: vole, using: &random, claim: ahead.claim)
        }
    }

    private func plan(mine: Int, theirs: Int, isReceiver: Bool) throws(PSIFailure) -> PSIPlan {
        try PSIPlan(
            method: terms.method, output: terms.output, recipe: terms.recipe.digest,
            receiverCount: isReceiver ? mine : theirs, senderCount: isReceiver ? theirs : mine,
            threshold: terms.minimum, agreed: terms.agreed)
    }

    private func facts(
        _ table: KeyedTable, _ transcript: [UInt8], _ sent: Int, _ received: Int,
        since begun: ContinuousClock.Instant
    ) -> [String: JSON] {
        [
            "rows": .integer(Int64(table.items.rowCount)), "items": .integer(Int64(table.items.items.count)),
            "rejected": .integer(Int64(table.items.rejectedCount)), "bytes_sent": .integer(Int64(sent)),
            "bytes_received": .integer(Int64(received)), "transcript": .string(Hex.encode(transcript)),
            "match_seconds": .number(begun.duration(to: .now) / .seconds(1)),
        ]
    }

    // MARK: Counts and sums that the other side releases

    private func held() async throws -> [String: JSON] {
        let table = try table()
        let link = try link()
        defer { link.close() }
        let begun = ContinuousClock.now
        let theirs = try await link.exchange(table.items.items.count)
        // The side that answers counts and releases: it is the protocol's receiver.
        let plan = try plan(mine: table.items.items.count, theirs: theirs, isReceiver: !isListening)
        let party = PSIParty(plan, link)
        var random = SystemRandomNumberGenerator()
        guard isListening else {
            let amounts = terms.output.hasSums ? table.amounts : nil
            let held = try await party.holdAndRelease(table.items.items, amounts: amounts, using: &random)
            return facts(table, held.transcript, held.bytesSent, held.bytesReceived, since: begun)
        }
        let groups = GroupedItems(table)
        let items = groups.shuffled(using: &random).map { table.items.items[$0] }
        let (told, asked) = try await party.askAndOpen(
            items, groupSizes: groups.sizes, most: terms.output.hasSums ? terms.most : nil, using: &random)
        var members = facts(table, asked.transcript, asked.bytesSent, asked.bytesReceived, since: begun)
        members.merge(answer(told, groups.names)) { $1 }
        return members
    }

    private func answer(_ told: [ReleasedGroup], _ names: [String]) -> [String: JSON] {
        let decimal = { (sum: Int64) in
            ExactDecimal(unscaled: Int128(sum), scale: terms.decimals).description
        }
        var members: [String: JSON] = ["intersection": .integer(Int64(told.compactMap(\.count).reduce(0, +)))]
        if terms.output.hasSums {
            members["sum"] = .string(decimal(told.compactMap(\.sum).reduce(0, +)))
        }
        if told.contains(where: { $0.count == nil }) { members["minimum"] = .integer(Int64(terms.minimum)) }
        guard verb.by != nil else { return members }
        members["groups"] = .array(
            zip(names, told).map { name, group in
                [
                    "group": .string(name), "count": group.count.map { .integer(Int64($0)) } ?? .null,
                    "sum": group.sum.map { .string(decimal($0)) } ?? .null,
                ]
            })
        return members
    }

    // MARK: Rows linked in shares

    private func shared() async throws -> [String: JSON] {
        let table = try table()
        let link = try link()
        defer { link.close() }
        let begun = ContinuousClock.now
        let theirs = try await link.exchange(table.items.items.count)
        let party = PSIParty(
            try plan(mine: table.items.items.count, theirs: theirs, isReceiver: isListening), link)
        var random = SystemRandomNumberGenerator()
        let shares =
            isListening
            ? try await party.shareRows(table.items.items, using: &random)
            : try await party.shareRows(table.items.items, values: table.amounts, using: &random)
        var members = facts(table, shares.transcript, shares.bytesSent, shares.bytesReceived, since: begun)
        members["bins"] = .integer(Int64(shares.links.count))
        if terms.want.name == "shares" {
            if let out = verb.out { try write(shares, of: table, to: out) }
        } else if isListening {
            let total = try await party.openTotal(of: shares)
            let told = [ReleasedGroup(count: total?.count, sum: total?.sum)]
            members.merge(answer(told, [""])) { $1 }
        } else {
            _ = try await party.releaseTotal(of: shares)
        }
        members["match_seconds"] = .number(begun.duration(to: .now) / .seconds(1))
        return members
    }

    /// One line a bin; on the receiving side one line a key, with the number of its first row in FILE.
    private func write(_ shares: SharedRows, of table: KeyedTable, to file: String) throws {
        var text = isListening ? "row,bin,linked,value\n" : "bin,linked,value\n"
        let bins = isListening ? shares.places : Array(shares.links.indices)
        for (place, bin) in bins.enumerated() {
            if isListening { text += "\(table.items.firstRow[place] + 1)," }
            text += "\(bin),\(shares.links[bin]),\(shares.values[bin])\n"
        }
        try Data(text.utf8).write(to: URL(filePath: file), options: .atomic)
    }

    // MARK: A few keys against many

    private func unbalanced() async throws -> [String: JSON] {
        guard isListening else { return try await evaluate() }
        let table = try table()
        let known = verb.cache.flatMap { FileManager.default.contents(atPath: $0) }.flatMap {
            KeptTags(bytes: [UInt8]($0))?.tags
        }
        let link = try link()
        defer { link.close() }
        let begun = ContinuousClock.now
        let theirs = try await link.exchange(table.items.items.count)
        let plan = try plan(mine: table.items.items.count, theirs: theirs, isReceiver: true)
        var random = SystemRandomNumberGenerator()
        let (result, tags) = try await PSIParty(plan, link).receive(
            table.items.items, knowing: known, using: &random)
        if let cache = verb.cache, tags.version != known?.version {
            try Data(KeptTags(tags: tags).bytes).write(to: URL(filePath: cache), options: .atomic)
        }
        let matched = result.matched ?? []
        if let out = verb.out { try table.write(rows: table.items.rows(of: matched), to: out) }
        var members = facts(table, result.transcript, result.bytesSent, result.bytesReceived, since: begun)
        members["intersection"] = .integer(Int64(matched.count))
        members["encoding"] = .string(tags.version.hex)
        return members
    }

    private func evaluate() async throws -> [String: JSON] {
        guard let data = FileManager.default.contents(atPath: verb.in) else {
            throw Problem(.missing, "app.file-unreadable", ["file": .text(verb.in)])
        }
        let source = Digest(
            of: Array((terms.recipe.digest.hex + verb.key).utf8) + Digest(of: data).bytes)
        var random = SystemRandomNumberGenerator()
        let begun = ContinuousClock.now
        var encoding = try await encoding(of: source, using: &random)
        let prepared = begun.duration(to: .now) / .seconds(1)
        let link = try link()
        defer { link.close() }
        let theirs = try await link.exchange(encoding.tags.count)
        if !isFresh(encoding, source, count: theirs) {
            throw PSIFailure.tooLarge
        }
        let plan = try plan(mine: encoding.tags.count, theirs: theirs, isReceiver: false)
        let result = try await PSIParty(plan, link).evaluate(&encoding, using: &random)
        try keep(encoding)
        return [
            "items": .integer(Int64(encoding.tags.count)), "prepare_seconds": .number(prepared),
            "bytes_sent": .integer(Int64(result.bytesSent)), "evaluated": .integer(Int64(encoding.evaluated)),
            "bytes_received": .integer(Int64(result.bytesReceived)),
            "encoding": .string(encoding.tags.version.hex),
            "transcript": .string(Hex.encode(result.transcript)),
        ]
    }

    /// The kept encoding while it is of this set, young and not used up; else a new one under a fresh key.
    private func encoding(
        of source: Digest, using random: inout SystemRandomNumberGenerator
    ) async throws -> OPRFEncoding {
        if let data = verb.cache.flatMap({ FileManager.default.contents(atPath: $0) }),
            let kept = OPRFEncoding(secretBytes: [UInt8](data)), isFresh(kept, source, count: 0)
        {
            return kept
        }
        console.progress("encoding \(verb.in)")
        let table = try table()
        let made = try await OPRFEncoding(
            of: table.items.items, source: source,
            madeAtMicroseconds: WallClock.system.now().microseconds, threads: verb.threads, using: &random)
        try keep(made)
        return made
    }

    private func isFresh(_ encoding: OPRFEncoding, _ source: Digest, count: Int) -> Bool {
        encoding.serves(
            source, count: count, atMicroseconds: WallClock.system.now().microseconds,
            keptFor: .seconds(86_400 * verb.rekeyDays))
    }

    /// For its owner's eyes: the file holds the key.
    private func keep(_ encoding: OPRFEncoding) throws {
        guard let cache = verb.cache else { return }
        let isMade = FileManager.default.createFile(
            atPath: cache + ".new", contents: Data(encoding.secretBytes),
            attributes: [.posixPermissions: 0o600])
        // SAFETY: both texts live while the call reads them.
        guard isMade, unsafe rename(cache + ".new", cache) == 0 else {
            throw Problem(.missing, "app.file-unreadable", ["file": .text(cache)])
        }
    }

    // MARK: Parts on disk

    private func inParts(_ folder: URL) async throws -> [String: JSON] {
        console.progress("reading \(verb.in)")
        let table = try SpilledTable(file: verb.in, key: keys, recipe: terms.recipe, folder: folder)
        var attempt = 0
        while true {
            do {
                return try await PartedRun(
                    table: table, terms: terms, isReceiver: isListening, console: console
                )
                .play(over: try link(), out: verb.out)
            } catch let failure as PSIFailure where failure.isSilence && attempt < verb.retries {
                attempt += 1
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }
}

extension PSIFailure {
    /// Whether the peer was lost, which another connection may mend.
    var isSilence: Bool {
        switch self {
        case .closed, .timedOut, .refusedByPeer(.closed), .refusedByPeer(.timedOut), .encodingFailed: true
        default: false
        }
    }
}

/// A table's items group after group, in an order inside each group that nobody else knows.
struct GroupedItems {
    let sizes: [Int]
    let names: [String]
    private let members: [[Int]]

    init(_ table: KeyedTable) {
        let hasGroups = !table.groups.isEmpty
        names = hasGroups ? table.groupNames : [""]
        var members = [[Int]](repeating: [], count: max(1, names.count))
        for item in table.items.items.indices { members[hasGroups ? table.groups[item] : 0].append(item) }
        self.members = members
        sizes = members.map(\.count)
    }

    func shuffled(using random: inout some RandomNumberGenerator) -> [Int] {
        var order: [Int] = []
        for group in members { order += group.shuffled(using: &random) }
        return order
    }
}

/// The small side's file: width of a tag, then the tags.
private struct KeptTags {
    let tags: OPRFTags

    init(tags: OPRFTags) { self.tags = tags }

    init?(bytes: [UInt8]) {
        guard let width = bytes.first,
            let tags = OPRFTags(content: Array(bytes.dropFirst()), byteCount: Int(width))
        else { return nil }
        self.tags = tags
    }

    var bytes: [UInt8] { [UInt8(tags.byteCount)] + tags.content }
}
