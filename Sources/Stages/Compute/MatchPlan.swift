// SPDX-License-Identifier: Apache-2.0

import Identity
import PSI
package import Primitives
import Register
import Trade
package import Valve

/// What an asker hands to its own node: digests of its keys, never the keys.
package struct MatchRequest: Sendable {
    package let passage: ID<Passage>
    package let agreementCode: String
    package let purpose: String
    package let want: MatchWant
    /// Distinct digests under the agreement's recipe, group after group.
    package let items: [Item]
    package let groupSizes: [Int]

    package typealias Item = SIMD2<UInt64>

    package init(
        passage: ID<Passage>, agreementCode: String, purpose: String, want: MatchWant, items: [Item],
        groupSizes: [Int]
    ) {
        self.passage = passage
        self.agreementCode = agreementCode
        self.purpose = purpose
        self.want = want
        self.items = items
        self.groupSizes = groupSizes
    }
}

/// What both sides sign before any byte of a match crosses: made by the holder, checked by the asker, and the text of
/// the passage's question, so that keeper, receipt and both logs commit to it.
package struct MatchPlan: Hashable, Sendable {
    package let json: JSON

    package var text: String { json.canonicalText }
    package var digest: Digest { Digest(of: json.canonicalBytes) }
    var want: MatchWant? { json["want"]?.text.flatMap(MatchWant.init(text:)) }
    /// The asker's commitment to its set: the same set gives the same one, and nobody else can test a guess.
    var set: Digest? { json["set"]?.text.flatMap { Digest(hex: $0) } }
    var holderItems: Int { Int(json["holderItems"]?.integer ?? -1) }
    var askerItems: Int { Int(json["askerItems"]?.integer ?? -1) }

    /// - Parameter version: digest of the holder's version.
    init(
        _ ask: MatchAsk, agreement: String, rules: MatchRules, version: Digest, items: ItemSet
    ) throws(Problem) {
        let protocolPlan = try Self.protocolPlan(
            rules.recipe, ask.want, items.items.count, ask.count, agreed: nil)
        var noise: JSON = .null
        if case .noise(let epsilon) = rules.protection { noise = .integer(Int64(epsilon)) }
        json = [
            "type": .string(Self.type), "agreement": .string(agreement), "version": .string(version.hex),
            "want": .string(ask.want.text), "keys": .array(rules.keys.map(JSON.string)),
            "steps": .array(rules.recipe.steps.map { .string($0.rawValue) }),
            "minimum": .integer(Int64(rules.minimum)), "epsilonMicros": noise,
            "holderItems": .integer(Int64(items.items.count)), "askerItems": .integer(Int64(ask.count)),
            "holderRejected": .integer(Int64(items.rejectedCount)), "set": .string(ask.set.hex),
            "run": protocolPlan.json,
            "bytes": .integer(Self.bytes(ask, items.items.count, protocolPlan.tagByteCount)),
            "peakMegabytes": .integer(Self.peakMegabytes(ask.count + items.items.count)),
        ]
    }

    /// A plan as it came from the other side.
    init?(text: String) {
        guard let json = try? JSON(parsing: Array(text.utf8)), json["type"]?.text == Self.type,
            json.canonicalText == text
        else { return nil }
        self.json = json
    }

    static let type = "hutong/match-plan/v1"

    /// The plan of the run itself, bound to this document.
    func run(_ recipe: KeyRecipe) throws(Problem) -> PSIPlan {
        try Self.protocolPlan(recipe, want ?? .size, holderItems, askerItems, agreed: digest)
    }

    private static func protocolPlan(
        _ recipe: KeyRecipe, _ want: MatchWant, _ holder: Int, _ asker: Int, agreed: Digest?
    ) throws(Problem) -> PSIPlan {
        do {
            return try PSIPlan(
                method: .ecdh, output: want.word == "sum" ? .heldSum : .held, recipe: recipe.digest,
                receiverCount: holder,
                senderCount: asker, agreed: agreed)
        } catch { throw .matchEnded(error) }
    }

    /// Both directions; the lane writes each byte as two digits.
    private static func bytes(_ ask: MatchAsk, _ holder: Int, _ tag: Int) -> Int64 {
        let hidden = ask.want.word == "sum" ? 128 : 0
        return Int64(2 * (32 * ask.count + (32 + tag + hidden) * holder) + 8192)
    }

    /// Digests, points, tags and the message being written, of the larger side.
    private static func peakMegabytes(_ items: Int) -> Int64 { Int64(items * 360 >> 20) + 16 }
}

/// What an asker says of its set before there is a plan.
struct MatchAsk: Hashable, Sendable {
    let passage: ID<Passage>
    let agreementCode: String
    let purpose: String
    let want: MatchWant
    let count: Int
    let set: Digest

    var json: JSON {
        [
            "passage": .string(passage.uuid), "agreement": .string(agreementCode),
            "purpose": .string(purpose), "want": .string(want.text), "count": .integer(Int64(count)),
            "set": .string(set.hex),
        ]
    }
}

extension MatchAsk {
    init(json: JSON) throws(Problem) {
        guard let passage = json["passage"]?.text.flatMap({ ID<Passage>(uuid: $0) }),
            let agreement = json["agreement"]?.text, let purpose = json["purpose"]?.text,
            let want = json["want"]?.text.flatMap(MatchWant.init(text:)),
            let count = json["count"]?.integer, (0...Int64(1 << 27)).contains(count),
            let set = json["set"]?.text.flatMap({ Digest(hex: $0) })
        else { throw Problem(.invalid, "compute.question-malformed") }
        self.init(
            passage: passage, agreementCode: agreement, purpose: purpose, want: want, count: Int(count),
            set: set)
    }
}

extension Problem {
    /// How a run that ended early is told. Only silence is tried again; anything else is the peer's doing.
    static func matchEnded(_ failure: PSIFailure) -> Problem {
        let isSilence =
            switch failure {
            case .closed, .timedOut, .refusedByPeer(.closed), .refusedByPeer(.timedOut), .encodingFailed:
                true
            default: false
            }
        return Problem(
            isSilence ? .unavailable : .conflict, "compute.match-ended", ["reason": .text("\(failure)")])
    }

    /// The holder has no finished run for this passage: it was restarted in between, or none was begun.
    static var matchLost: Problem { Problem(.unavailable, "compute.match-lost") }
}
