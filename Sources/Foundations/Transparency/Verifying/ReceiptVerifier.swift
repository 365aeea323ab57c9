// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Merkle
package import Primitives

/// Checks receipts offline against a trust policy: no network, no database, no clock.
package struct ReceiptVerifier: Sendable {
    /// What a receipt proves.
    package struct Proof: Hashable, Sendable {
        package let index: LeafIndex
        package let disclosure: Disclosure
        package let verdict: TrustPolicy.Verdict
    }

    private let policy: TrustPolicy
    private let checkers: SignatureCheckers

    package init(policy: TrustPolicy, checkers: SignatureCheckers = SignatureCheckers()) {
        self.policy = policy
        self.checkers = checkers
    }

    /// Checks a receipt with its disclosure: the content belongs to the leaf, the leaf stands in the tree, the
    /// tree is signed by a log of the policy and cosigned by the quorum. Costs one signature check a key and a
    /// hash a level.
    package func verify(_ bytes: [UInt8]) throws(Problem) -> Proof {
        let receipt: Receipt
        do {
            receipt = try Receipt(parsing: bytes)
        } catch {
            throw Problem(.invalid, "transparency.receipt-malformed", operatorNote: "\(error)")
        }
        guard let disclosure = receipt.extra.flatMap({ Disclosure(parsing: $0) }) else {
            throw Problem(.invalid, "transparency.receipt-content-differs")
        }
        try Self.check(receipt, leaf: disclosure.leaf.hash)
        do {
            let verdict = try policy.accept(receipt.checkpoint, checkers: checkers)
            return Proof(index: receipt.index, disclosure: disclosure, verdict: verdict)
        } catch {
            throw error.problem
        }
    }

    /// The part without signatures: for many receipts under one checkpoint that was judged before.
    package static func check(_ receipt: Receipt, leaf: NodeHash) throws(Problem) {
        do {
            try receipt.proof.verify(leaf: leaf, root: receipt.checkpoint.checkpoint.root)
        } catch {
            throw Problem(
                .invalid,
                "transparency.receipt-proof-wrong",
                ["index": .integer(Int64(clamping: receipt.index))],
                operatorNote: "\(error)"
            )
        }
    }
}

extension ReceiptVerifier.Proof {
    /// What is proven and by whom, in one sentence.
    package var sentence: LocalizedText {
        let origin = verdict.checkpoint.origin
        let time = disclosure.leaf.time.rfc3339
        let names = verdict.witnesses.keys.sorted()
        let kind = disclosure.leaf.kind.rawValue
        let zhWitnesses = names.isEmpty ? "，没有见证人联署" : "，并由 \(names.joined(separator: "、")) 联署"
        let enWitnesses =
            names.isEmpty ? ", and no witness cosigned" : ", and \(names.joined(separator: ", ")) cosigned"
        return LocalizedText(
            zh: "\(origin) 的日志签名证明：\(kind) 于 \(time) 记为第 \(index) 号叶（共 \(verdict.checkpoint.size) 个）"
                + "，其内容与本文件所载一致\(zhWitnesses)。",
            en: "The log \(origin) signed that \(kind) was recorded at \(time) as leaf \(index) of "
                + "\(verdict.checkpoint.size), with exactly the content in this file\(enWitnesses)."
        )
    }

    package var json: JSON {
        [
            "index": .integer(Int64(clamping: index)),
            "size": .integer(Int64(clamping: verdict.checkpoint.size)),
            "origin": .string(verdict.checkpoint.origin), "kind": .string(disclosure.leaf.kind.rawValue),
            "time": .string(disclosure.leaf.time.rfc3339), "content": disclosure.content,
            "parties": .array(disclosure.leaf.parties.map { .string($0.text) }),
            "signedBy": .array(verdict.logs.map { .string($0.description) }),
            "cosignedBy": .object(verdict.witnesses.mapValues { .string($0.rfc3339) }),
        ]
    }
}

extension TrustPolicy.Refusal {
    package var problem: Problem {
        switch self {
        case .unknownLog(let origin):
            Problem(.invalid, "transparency.log-unknown", ["origin": .text(origin)])
        case .wrongSignature(let name):
            Problem(.invalid, "transparency.signature-wrong", ["name": .text(name)])
        case .quorumMissing(let found):
            Problem(.invalid, "transparency.quorum-missing", ["found": .integer(Int64(found.count))])
        }
    }
}
