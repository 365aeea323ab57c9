// SPDX-License-Identifier: Apache-2.0
//
// Specification: circuit PSI, Raghuraman–Rindal 2022 §5 with Pinkas et al. 2019 ("Efficient circuit-based PSI with linear
// communication") Figure 8: cuckoo bins, a programmed OPRF for each bin, a comparison of 64 bits by multiplication
// triples, and two transfers a bin that leave the linked value in additive shares mod 2^64.
// Adversary: semi-honest, either side; as VOLEMatch and TransferSupply. A false link has probability below 2^-40 up to
// 2^24 bins (2^-64 each).
// Secret: items, values, which bins match, and all shares. Leaks by design: both set sizes; nothing else, not even how
// many match, until both sides open a sum.
// Timing: as VOLEMatch and CuckooBins; the circuit's steps depend on the number of bins alone.
// Vectors: opened shares against plain sets and sums in Tests/PSITests.

package import Oblivious

/// One side's shares of linked rows: in each bin both sides' shares add up, mod 2^64, to 1 and the answering side's
/// value where the receiver's item in that bin is one of the other's, and to 0 and 0 everywhere else.
package struct SharedRows: Sendable {
    /// The bin of each of the receiver's items; empty on the answering side, which does not learn it.
    package let places: [Int]
    package let links: [UInt64]
    package let values: [UInt64]
    package let transcript: [UInt8]
    package let bytesSent: Int
    package let bytesReceived: Int

    /// This side's share of how many rows are linked, and of the sum over them.
    package var total: (count: UInt64, sum: UInt64) {
        (links.reduce(0, &+), values.reduce(0, &+))
    }
}

/// What two sides opened together.
package struct OpenedTotal: Hashable, Sendable {
    package let count: Int
    package let sum: Int64
}

extension PSIParty {
    /// The receiver's side of a match into shares.
    ///
    /// - Parameter items: distinct digests, as many as the plan's `receiverCount`.
    package func shareRows(
        _ items: [Block], using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> SharedRows {
        precondition(items.count == plan.receiverCount, "the plan names this side's count")
        do throws(PSIFailure) {
            guard plan.output == .shares else { throw .notOffered }
            try await channel.shakeHands(plan, isReceiver: true, using: &generator)
            let shares = try await SharedReceiver(channel, plan).run(items, &generator)
            try await channel.confirm(nil)
            return kept(shares)
        } catch {
            await channel.refuse(error)
            throw error
        }
    }

    /// The answering side, with one value for each item.
    package func shareRows(
        _ items: [Block], values: [Int64], using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> SharedRows {
        precondition(
            items.count == plan.senderCount && values.count == items.count, "one value for each item")
        do throws(PSIFailure) {
            guard plan.output == .shares else { throw .notOffered }
            try await channel.shakeHands(plan, isReceiver: false, using: &generator)
            let shares = try await SharedSender(channel, plan).run(items, values, &generator)
            try await channel.confirm(nil)
            return kept(shares)
        } catch {
            await channel.refuse(error)
            throw error
        }
    }

    /// The receiver's side of the one question that needs no more than addition: how many rows are linked and what their
    /// values sum to. The other side learns the count; `nil` where it is below the plan's threshold.
    package func openTotal(of shares: SharedRows) async throws(PSIFailure) -> OpenedTotal? {
        do throws(PSIFailure) {
            try await channel.send(.amounts, Words.bytes([shares.total.count]))
            let told = Words.numbers(try await channel.receive(.amounts, count: 24))
            try await channel.confirm(nil)
            guard told[0] == 1 else { return nil }
            return OpenedTotal(
                count: Int(truncatingIfNeeded: told[1]),
                sum: Int64(bitPattern: shares.total.sum &+ told[2]))
        } catch {
            await channel.refuse(error)
            throw error
        }
    }

    /// The answering side's: counts first, and gives its share of the sum only from the threshold on.
    package func releaseTotal(of shares: SharedRows) async throws(PSIFailure) -> Int {
        do throws(PSIFailure) {
            let theirs = Words.numbers(try await channel.receive(.amounts, count: 8))[0]
            let count = shares.total.count &+ theirs
            guard count <= UInt64(min(plan.receiverCount, plan.senderCount)) else { throw .outputsDiffer }
            let isTold = count >= UInt64(plan.threshold)
            try await channel.send(
                .amounts, Words.bytes(isTold ? [1, count, shares.total.sum] : [0, 0, 0]))
            try await channel.confirm(nil)
            return Int(count)
        } catch {
            await channel.refuse(error)
            throw error
        }
    }

    private func kept(_ shares: BinShares) -> SharedRows {
        SharedRows(
            places: shares.places, links: shares.links, values: shares.values, transcript: channel.transcript,
            bytesSent: channel.bytesSent, bytesReceived: channel.bytesReceived)
    }
}

/// One side's shares, bin by bin.
private struct BinShares {
    var places: [Int] = []
    var links: [UInt64]
    var values: [UInt64]
}

/// The steps that only the number of bins decides.
struct SharedSteps {
    let channel: PSIChannel
    /// Of the programmed OPRF: a row a bin on the receiver's side, three an item on the other.
    let inner: PSIPlan
    let bins: Int

    init(_ channel: PSIChannel, _ plan: PSIPlan) throws(PSIFailure) {
        self.channel = channel
        bins = CuckooBins.count(plan.receiverCount)
        guard bins <= PSIPlan.itemCountMax, 3 * plan.senderCount <= PSIPlan.itemCountMax else {
            throw .tooLarge
        }
        inner = try PSIPlan(
            method: .rr22, output: .rowsToReceiver, recipe: plan.recipe, receiverCount: bins,
            senderCount: 3 * plan.senderCount, agreed: plan.agreed)
    }

    static func bandKey(_ keys: VOLEKeys) -> Block { keys.band ^ Block(1, 1) }

    static func programmedColumns(_ plan: PSIPlan) -> Int { BlockKernels.columns(rows: 3 * plan.senderCount) }

    /// Shares of the conjunction of each word's 64 bits, by halves. The side that speaks first is the receiver.
    func conjunction(
        _ words: [UInt64], _ triples: TripleWords, isReceiver: Bool
    ) async throws(PSIFailure) -> [UInt64] {
        var (words, used): ([UInt64], UInt64) = (words, 0)
        for width in [32, 16, 8, 4, 2, 1] as [UInt64] {
            let mask: UInt64 = (1 << width) - 1
            let own = words.indices.map { place in
                let first = (words[place] ^ triples.a[place] >> used) & mask
                let second = (words[place] >> width ^ triples.b[place] >> used) & mask
                return second << width | first
            }
            let theirs = try await exchange(own, bits: Int(2 * width), isReceiver: isReceiver)
            for place in words.indices {
                let both = own[place] ^ theirs[place]
                let (first, second) = (both & mask, both >> width & mask)
                var word = triples.product[place] >> used & mask
                word ^= first & (triples.b[place] >> used) ^ second & (triples.a[place] >> used)
                if !isReceiver { word ^= first & second }
                words[place] = word & mask
            }
            used += width
        }
        return words
    }

    private func exchange(
        _ words: [UInt64], bits: Int, isReceiver: Bool
    ) async throws(PSIFailure) -> [UInt64] {
        let width = max(1, bits / 8)
        let own = Words.bytes(words, width: width)
        if isReceiver { try await channel.send(.shares, own) }
        let theirs = try await channel.receive(.shares, count: own.count)
        if !isReceiver { try await channel.send(.shares, own) }
        return Words.numbers(theirs, width: width)
    }

    /// Of `offers[i]` the product with the other side's and this side's shared bit, in additive shares: the offering side.
    func offer(
        _ offers: [Block], bits: [UInt64], _ supply: inout TransferOfferer,
        _ generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> [Block] {
        let size = TransferBatch.size(bins)
        let pads = supply.pads(of: try await supply.next(size, over: channel, using: &generator))
        let flips = try await channel.receive(.shares, count: (bins + 7) / 8)
        var (own, corrections): ([Block], [UInt8]) = ([], [])
        own.reserveCapacity(bins)
        corrections.reserveCapacity(16 * bins)
        for bin in 0..<bins {
            let isFlipped = flips[bin / 8] >> UInt8(bin % 8) & 1 == 1
            let zero = isFlipped ? pads.second[bin] : pads.first[bin]
            let one = isFlipped ? pads.first[bin] : pads.second[bin]
            // bit·offer is what the receiver must get where it chose 0, less this side's share.
            let mine = offers[bin] & Block(repeating: 0 &- bits[bin])
            let theirs = offers[bin] & Block(repeating: bits[bin] &- 1)
            own.append(mine &- zero)
            (zero &- one &+ theirs &- mine).append(to: &corrections)
        }
        try await channel.send(.shares, corrections)
        return own
    }

    /// The choosing side of it.
    func choose(
        bits: [UInt64], _ supply: inout TransferChooser, _ generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> [Block] {
        let size = TransferBatch.size(bins)
        let correlated = try await supply.next(size, over: channel, using: &generator)
        let pads = BlockKernels.hash(correlated, key: TransferBatch.padKey)
        var flips = [UInt8](repeating: 0, count: (bins + 7) / 8)
        for bin in 0..<bins {
            flips[bin / 8] |= UInt8((correlated[bin].x ^ bits[bin]) & 1) << UInt8(bin % 8)
        }
        try await channel.send(.shares, flips)
        let corrections = Blocks(bytes: try await channel.receive(.shares, count: 16 * bins))
        return (0..<bins).map { bin in
            pads[bin] &+ (corrections[bin] & Block(repeating: 0 &- bits[bin]))
        }
    }
}

private struct SharedReceiver {
    private let channel: PSIChannel
    private let plan: PSIPlan
    private let steps: SharedSteps

    init(_ channel: PSIChannel, _ plan: PSIPlan) throws(PSIFailure) {
        (self.channel, self.plan, steps) = (channel, plan, try SharedSteps(channel, plan))
    }

    func run(
        _ items: [Block], _ generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> BinShares {
        let keys = VOLEKeys(channel)
        let hashes = BlockKernels.hash(Blocks(items), key: keys.item)
        guard let bins = CuckooBins(hashes) else { throw .encodingFailed }
        let rows = StoreRows(
            bins.items.enumerated().map { bin, item in
                item.map { CuckooBins.row(hashes[$0], in: bin) } ?? Block.random(using: &generator)
            }, keys)
        let found = try await programmed(rows, keys, &generator)
        var (tags, offers) = (
            [UInt64](repeating: 0, count: steps.bins), [Block](repeating: Block(), count: steps.bins)
        )
        for place in 0..<found.count {
            let bin = rows.item(at: place)
            (tags[bin], offers[bin]) = (found[place].x, Block(0, found[place].y))
        }
        var (choosing, offering) = (
            try await TransferChooser(channel, using: &generator),
            try await TransferOfferer(channel, using: &generator)
        )
        let triples = try await TripleWords(choosing: steps.bins, &choosing, channel, using: &generator)
        let bits = try await steps.conjunction(tags, triples, isReceiver: true)
        let theirs = try await steps.choose(bits: bits, &choosing, &generator)
        let own = try await steps.offer(offers, bits: bits, &offering, &generator)
        let shares = zip(theirs, own).map { $0 &+ $1 }
        return BinShares(places: bins.places, links: shares.map(\.x), values: shares.map(\.y))
    }

    /// For each bin what the other side programmed for the item in it, or what nobody can tell from it.
    private func programmed(
        _ rows: StoreRows, _ keys: VOLEKeys, _ generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> Blocks {
        let vole = try await VOLESteps.extend(channel, steps.inner, &generator)
        vole.plant(
            trees: try await channel.receive(
                .transfer, count: SilentVOLE.treeByteCount(count: VOLESteps.columns(steps.inner))))
        let (a, c) = vole.finish(VOLESteps.code)
        try await channel.send(.encoding, VOLESteps.encode(rows, a, keys, &generator))
        let masks = BlockKernels.decode(c, columns: c.count, rows: rows.hashes, key: keys.band)
        let columns = SharedSteps.programmedColumns(plan)
        let store = try await channel.receive(.encoding, blocks: columns)
        let found = BlockKernels.decode(
            store, columns: columns, rows: rows.hashes, key: SharedSteps.bandKey(keys))
        found.add(rows.outputs(masks))
        return found
    }
}

private struct SharedSender {
    private let channel: PSIChannel
    private let plan: PSIPlan
    private let steps: SharedSteps

    init(_ channel: PSIChannel, _ plan: PSIPlan) throws(PSIFailure) {
        (self.channel, self.plan, steps) = (channel, plan, try SharedSteps(channel, plan))
    }

    func run(
        _ items: [Block], _ values: [Int64], _ generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> BinShares {
        let keys = VOLEKeys(channel)
        let hashes = BlockKernels.hash(Blocks(items), key: keys.item)
        // What the item of a bin is told if it is one of ours: a tag, and a value hidden under the bin's mask.
        let targets = Blocks(count: steps.bins)
        BlockKernels.fill(targets, from: Block.random(using: &generator))
        let bins = (0..<steps.bins).map { targets[$0] }
        try await program(hashes, values, bins, keys, &generator)
        var (offering, choosing) = (
            try await TransferOfferer(channel, using: &generator),
            try await TransferChooser(channel, using: &generator)
        )
        let triples = try await TripleWords(offering: steps.bins, &offering, channel, using: &generator)
        let bits = try await steps.conjunction(bins.map { ~$0.x }, triples, isReceiver: false)
        let own = try await steps.offer(bins.map { Block(1, 0 &- $0.y) }, bits: bits, &offering, &generator)
        let theirs = try await steps.choose(bits: bits, &choosing, &generator)
        let shares = zip(own, theirs).map { $0 &+ $1 }
        return BinShares(links: shares.map(\.x), values: shares.map(\.y))
    }

    private func program(
        _ hashes: Blocks, _ values: [Int64], _ bins: [Block], _ keys: VOLEKeys,
        _ generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) {
        let delta = Block.random(using: &generator)
        let vole = try await VOLESteps.extend(channel, steps.inner, delta: delta, &generator)
        try await channel.send(.transfer, vole.trees)
        let b = vole.finish(VOLESteps.code)
        var (rows, told): ([Block], [Block]) = ([], [])
        rows.reserveCapacity(3 * values.count)
        told.reserveCapacity(3 * values.count)
        for (item, value) in values.enumerated() {
            let choices = CuckooBins.choices(hashes[item], count: steps.bins)
            for (place, bin) in choices.enumerated() where !choices[..<place].contains(bin) {
                rows.append(CuckooBins.row(hashes[item], in: bin))
                told.append(Block(bins[bin].x, UInt64(bitPattern: value) &+ bins[bin].y))
            }
        }
        let stored = StoreRows(rows, keys)
        let encoding = try await channel.receive(.encoding, blocks: VOLESteps.columns(steps.inner))
        let hidden = stored.outputs(VOLESteps.masks(stored, b, encoding, delta: delta, keys))
        for place in 0..<hidden.count { hidden[place] ^= told[stored.item(at: place)] }
        let columns = SharedSteps.programmedColumns(plan)
        let store = BlockKernels.encode(
            rows: stored.hashes, values: hidden, columns: columns, key: SharedSteps.bandKey(keys),
            seed: Block.random(using: &generator))
        guard let store else { throw .encodingFailed }
        try await channel.send(.encoding, store)
    }
}

/// Numbers as little-endian bytes.
enum Words {
    /// - Parameter width: bytes of each, of which only the lowest are kept.
    static func bytes(_ words: [UInt64], width: Int = 8) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(width * words.count)
        for word in words {
            for place in 0..<width { bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(8 * place))) }
        }
        return bytes
    }

    static func numbers(_ bytes: [UInt8], width: Int = 8) -> [UInt64] {
        stride(from: 0, to: bytes.count, by: width).map { start in
            (0..<width).reduce(0) { $0 | UInt64(bytes[start + $1]) << UInt64(8 * $1) }
        }
    }
}
