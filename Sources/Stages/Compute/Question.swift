// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Policy
package import Primitives
package import PrivateSQL
package import Register
package import Tables
package import Trade
package import Valve

/// One question through a door, as it travels from the asker to the keeper of the account and to the holder.
package struct Question: Hashable, Sendable {
    package let passage: ID<Passage>
    package let agreementCode: String
    package let door: Door
    /// SQL at the `query` door.
    package let text: String
    package let purpose: String
    package let asker: ID<Party>

    package init(
        passage: ID<Passage>, agreementCode: String, door: Door = .query, text: String, purpose: String,
        asker: ID<Party>
    ) {
        self.passage = passage
        self.agreementCode = Code(agreementCode)?.text ?? agreementCode
        self.door = door
        self.text = text
        self.purpose = purpose
        self.asker = asker
    }

    /// What makes two questions the same: everything but who asks and under which number.
    package var digest: Digest {
        let content: JSON = [
            "agreement": .string(agreementCode), "door": .string(door.rawValue), "text": .string(text),
            "purpose": .string(purpose),
        ]
        return Digest(of: content.canonicalBytes)
    }

    package var json: JSON {
        [
            "passage": .string(passage.uuid), "agreement": .string(agreementCode),
            "door": .string(door.rawValue),
            "text": .string(text), "purpose": .string(purpose), "asker": .string(asker.uuid),
        ]
    }

    package init(json: JSON) throws(Problem) {
        guard let passage = json["passage"]?.text.flatMap({ ID<Passage>(uuid: $0) }),
            let agreement = json["agreement"]?.text, let door = json["door"]?.text.flatMap(Door.init),
            let text = json["text"]?.text, let purpose = json["purpose"]?.text,
            let asker = json["asker"]?.text.flatMap({ ID<Party>(uuid: $0) })
        else { throw Problem(.invalid, "compute.question-malformed") }
        self.init(
            passage: passage, agreementCode: agreement, door: door, text: text, purpose: purpose, asker: asker
        )
    }
}

/// What a holder's engine makes of a question: the released table, and what the passage commits to.
package struct Release: Hashable, Sendable {
    /// Columns, rows, intervals, suppressed cells: the answer as the asker reads it.
    package let answer: JSON
    package let planDigest: Digest
    package let versionDigests: [Digest]
    /// SHA-256 of the noise seed.
    package let seedCommitment: Digest?
    /// What it cost the privacy budget, as a decimal; "0" where no noise was needed.
    package let epsilon: String

    package init(
        answer: JSON, planDigest: Digest, versionDigests: [Digest], seedCommitment: Digest?, epsilon: String
    ) {
        self.answer = answer
        self.planDigest = planDigest
        self.versionDigests = versionDigests
        self.seedCommitment = seedCommitment
        self.epsilon = epsilon
    }
}

/// The engine behind the `query` door at a holder: checks a question against a listing's release rules and
/// answers it. Knows no parties, money or grants.
package protocol QuestionEngine: Sendable {
    /// Splits a question over several holders' tables into one for each.
    func split(_ text: String) async throws(Problem) -> JointQuestion

    /// The question as the parser read it; refused with its place where the grammar does not have it.
    func tree(of text: String) async throws(Problem) -> SyntaxTree

    /// Checks without running: the privacy cost, or the refusal with its place. The rules are those that hold for the
    /// recipient.
    func check(_ text: String, on listing: Listing, for recipient: ID<Party>?) async throws(Problem)
        -> QuestionCost

    /// Runs a question for its recipient over a version with a noise seed of 32 bytes, beside the exact answers given
    /// before: cells whose difference from those would tell of too few people are suppressed.
    func answer(
        _ asked: AskedQuestion, on listing: Listing, version: AssetVersion, seed: Redacted<[UInt8]>,
        after history: [AskedQuestion]
    ) async throws(Problem) -> Release
}

/// A question and the party whose rules it is answered under.
package struct AskedQuestion: Hashable, Sendable {
    package let text: String
    package let recipient: ID<Party>?

    package init(_ text: String, for recipient: ID<Party>?) {
        self.text = text
        self.recipient = recipient
    }
}

/// What a question would cost and how exact its answer would be.
package struct QuestionCost: Hashable, Sendable {
    /// What the budget charges.
    package let privacy: PrivacyCost
    /// Whether the answer must be compared with earlier exact ones.
    package let isCompared: Bool
    package let planDigest: Digest
    package let json: JSON

    package init(privacy: PrivacyCost, isCompared: Bool, planDigest: Digest, json: JSON) {
        self.privacy = privacy
        self.isCompared = isCompared
        self.planDigest = planDigest
        self.json = json
    }
}

/// What a holder signs about one answered passage: enough for the keeper to settle, and for an arbitrator to run
/// it again and compare bytes.
package struct PassageReceipt: Hashable, Sendable {
    package let content: JSON
    /// Ed25519 by the holder over the canonical content.
    package let signature: [UInt8]

    package init(content: JSON, signature: [UInt8]) {
        self.content = content
        self.signature = signature
    }

    package var digest: Digest { Digest(of: content.canonicalBytes) }

    /// Whether a party's key signed the content.
    func isSigned(by party: Party) -> Bool {
        PartySignature.isValid(signature, over: content.canonicalBytes, by: party.signingKey)
    }

    package var json: JSON { ["content": content, "signature": .string(Base64.encode(signature))] }

    package init?(json: JSON) {
        guard let content = json["content"], let type = content["type"]?.text,
            type == Self.type || type == Passage.copyReceiptType,
            let signature = json["signature"]?.text.flatMap({ Base64.decode($0) })
        else { return nil }
        self.init(content: content, signature: signature)
    }

    package static let type = "hutong/receipt/v1"
}
