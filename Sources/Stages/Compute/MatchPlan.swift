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
    /// How many keys are priced: a question over shares brings none anew, and hides how many it is about.
    var keysBrought: Int { want?.isQuestion == true ? 0 : askerItems }

    /// - Parameters:
    ///   - version: digest of the holder's version.
    ///   - basis: what the holder's side of the run works on.
    init(
        _ ask: MatchAsk, agreement: String, rules: MatchRules, version: Digest, basis: MatchBasis
    ) throws(Problem) {
        let protocolPlan = try Self.protocolPlan(
            rules.recipe, ask.want, basis.itemCount, ask.count, agreed: nil)
        var noise: JSON = .null
        if case .noise(let epsilon) = rules.protection { noise = .integer(Int64(epsilon)) }
        json = [
            "type": .string(Self.type), "agreement": .string(agreement), "version": .string(version.hex),
            "want": .string(ask.want.text), "keys": .array(rules.keys.map(JSON.string)),
            "steps": .array(rules.recipe.steps.map { .string($0.rawValue) }),
            "recipe": .string(rules.recipe.digest.hex),
            "minimum": .integer(Int64(rules.minimum)), "epsilonMicros": noise,
            "holderItems": .integer(Int64(basis.itemCount)), "askerItems": .integer(Int64(ask.count)),
            "holderRejected": .integer(Int64(basis.rejectedCount)), "set": .string(ask.set.hex),
            "shares": basis.shares.map { .string($0.transcript.hex) } ?? .null,
            "column": basis.shares?.column.map(JSON.string) ?? .null,
            "run": protocolPlan.json,
            "bytes": .integer(ask.want.bytes(asker: ask.count, holder: basis.itemCount, protocolPlan)),
            "peakMegabytes": .integer(ask.want.peakMegabytes(ask.count, basis.itemCount)),
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
            // The side whose keys lie in bins is the asker under shares; the side that counts is the holder otherwise.
            return switch want {
            case .size, .rows, .sum:
                try PSIPlan(
                    method: .ecdh, output: want.isSummed ? .heldSum : .held, recipe: recipe.digest,
                    receiverCount: holder, senderCount: asker, agreed: agreed)
            case .shares, .linked:
                try PSIPlan(
                    method: .rr22, output: want.isQuestion ? .selection : .shares,
                    recipe: recipe.digest, receiverCount: asker, senderCount: holder, agreed: agreed)
            }
        } catch { throw .matchEnded(error) }
    }
}

extension MatchWant {
    /// Both directions; the lane writes each byte as two digits. Of a question over shares, for one group.
    fileprivate func bytes(asker: Int, holder: Int, _ run: PSIPlan) -> Int64 {
        let plain =
            switch self {
            case .size, .rows, .sum:
                32 * asker + (32 + run.tagByteCount + (isSummed ? 128 : 0)) * holder + 8192
            case .shares: 130 * asker + 60 * holder + 600_000
            case .linked: 22 * asker + 60_000
            }
        return Int64(2 * plain)
    }

    /// Digests, points, tags and the message being written, of the larger side; under shares transfers and triples.
    fileprivate func peakMegabytes(_ asker: Int, _ holder: Int) -> Int64 {
        switch self {
        case .size, .rows, .sum: Int64((asker + holder) * 360 >> 20) + 16
        case .shares, .linked: Int64((asker + holder) * 800 >> 20) + 220
        }
    }
}

/// What an asker says of its set before there is a plan.
struct MatchAsk: Hashable, Sendable {
    let passage: ID<Passage>
    let agreementCode: String
    let purpose: String
    let want: MatchWant
    let count: Int
    let set: Digest
    /// Which run's shares a question is about.
    let shares: Digest?

    var json: JSON {
        [
            "passage": .string(passage.uuid), "agreement": .string(agreementCode),
            "purpose": .string(purpose), "want": .string(want.text), "count": .integer(Int64(count)),
            "set": .string(set.hex), "shares": shares.map { .string($0.hex) } ?? .null,
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
            set: set, shares: json["shares"]?.text.flatMap { Digest(hex: $0) })
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
