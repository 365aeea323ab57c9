// SPDX-License-Identifier: Apache-2.0
//
// Specification: issue "Private match", point 5: a signed plan before any byte.
// Adversary: a peer with another plan. Secret: nothing; a plan is signed and shown.
// Leaks by design: both set sizes. Timing: not applicable. Vectors: Tests/PSITests.

package import Primitives

/// How the intersection is found. A parameter set with known weaknesses has no case.
package enum PSIMethod: String, Hashable, Sendable, CaseIterable {
    /// Diffie–Hellman on Curve25519 with Elligator 2.
    case ecdh
    /// Diffie–Hellman on ristretto255 (RFC 9496).
    case ristretto = "ecdh-ristretto"
    /// Diffie–Hellman on the SM2 curve with SM3 (国密).
    case sm2 = "ecdh-sm2"
    /// VOLE-PSI, semi-honest (Raghuraman–Rindal 2022).
    case rr22
    /// VOLE-PSI, malicious (Rindal–Schoppmann 2021, Raghuraman–Rindal 2022).
    case rr22Malicious = "rr22-malicious"
    /// 2HashDH OPRF with a reusable encoding of the large side.
    case unbalanced

    /// VOLE matching and the unbalanced protocol tell the receiver which of its items match; only a
    /// Diffie–Hellman sender can shuffle its answers so that the receiver just counts.
    package func offers(_ output: PSIOutput) -> Bool {
        switch (self, output) {
        case (_, .shares), (_, .selection): self == .rr22
        case (.ecdh, _), (.ristretto, _), (.sm2, _): true
        case (.rr22, .rowsToReceiver), (.rr22, .rowsToBoth): true
        case (.rr22Malicious, .rowsToReceiver), (.rr22Malicious, .rowsToBoth): true
        case (.unbalanced, .rowsToReceiver): true
        default: false
        }
    }

    package var model: String {
        self == .rr22Malicious ? "malicious" : "semi-honest"
    }

    package var assumption: String {
        switch self {
        case .ecdh, .ristretto, .sm2: "DDH, random oracle"
        case .rr22, .rr22Malicious: "regular LPN (expand-convolute code), CDH for base OTs, random oracle"
        case .unbalanced: "one-more gap DH, random oracle"
        }
    }
}

/// What comes out, and to whom.
package enum PSIOutput: Hashable, Sendable {
    /// The receiver learns which of its rows match.
    case rowsToReceiver
    /// Both learn which of their own rows match.
    case rowsToBoth
    /// The receiver learns how many match, in all and by its own groups, and not which.
    case size
    /// The receiver learns how many of each of the sender's groups match, and not which of its own; the sender learns
    /// what the receiver then releases, and nothing before that (`HeldMatch`).
    case held
    /// As `held`, and sums of the receiver's values over each group, hidden until it releases them (`HeldSums`).
    case heldSum
    /// Neither side learns anything but both sizes: links and the sender's values come out in additive shares, from
    /// which both together open what they agree on (`SharedRows`).
    case shares
    /// Of rows that were shared before, the sender learns how many of each of the receiver's hidden groups are linked;
    /// the receiver learns what the sender then releases, and nothing before that (`HeldSelection`).
    case selection

    package var name: String {
        switch self {
        case .rowsToReceiver: "rows"
        case .rowsToBoth: "rows-both"
        case .size: "size"
        case .held: "held"
        case .heldSum: "held-sum"
        case .shares: "shares"
        case .selection: "selection"
        }
    }

    package init?(name: String) {
        switch name {
        case "rows": self = .rowsToReceiver
        case "rows-both": self = .rowsToBoth
        case "size": self = .size
        case "held": self = .held
        case "held-sum": self = .heldSum
        case "shares": self = .shares
        case "selection": self = .selection
        default: return nil
        }
    }
}

/// What both sides sign before any byte of a match: everything that decides how they compute and what leaks.
package struct PSIPlan: Hashable, Sendable {
    package let method: PSIMethod
    package let output: PSIOutput
    /// Digest of the normalization both sides apply to their keys.
    package let recipe: Digest
    package let receiverCount: Int
    package let senderCount: Int
    /// Below this many matches nothing is opened.
    package let threshold: Int
    /// Digest of what else the two sides agreed on, such as the passage's plan between nodes.
    package let agreed: Digest?
    /// How many runs like this one the whole match consists of; a false match has the same chance over all of them.
    package let parts: Int

    /// Statistical security: a wrong result has probability below 2^-40.
    package static let statisticalBits = 40
    package static let computationalBits = 128
    /// Each side refuses a plan with more items.
    package static let itemCountMax = 1 << 27

    package init(
        method: PSIMethod, output: PSIOutput, recipe: Digest, receiverCount: Int, senderCount: Int,
        threshold: Int = 0, agreed: Digest? = nil, parts: Int = 1
    ) throws(PSIFailure) {
        let allowed = 0...Self.itemCountMax
        guard allowed.contains(receiverCount), allowed.contains(senderCount) else { throw .tooLarge }
        guard method.offers(output) else { throw .notOffered }
        self.method = method
        self.output = output
        self.recipe = recipe
        self.receiverCount = receiverCount
        self.senderCount = senderCount
        self.threshold = threshold
        self.agreed = agreed
        self.parts = parts
    }

    /// Bytes of a comparison tag: λ + log2(n·m) bits, rounded up (RR22 §4). An encoding that is kept must do for all
    /// questions it will ever be asked.
    package var tagByteCount: Int {
        let asked = method == .unbalanced ? OPRFEncoding.evaluationsMax : receiverCount
        let bits =
            Self.statisticalBits + Self.bits(asked) + Self.bits(senderCount) + Self.bits(parts) - 1
        return min(16, (bits + 7) / 8)
    }

    private static func bits(_ count: Int) -> Int { Int.bitWidth - max(1, count).leadingZeroBitCount }

    /// The plan's canonical content: what is signed.
    package var json: JSON {
        [
            "version": 1,
            "protocol": .string(method.rawValue),
            "model": .string(method.model),
            "assumption": .string(method.assumption),
            "output": .string(output.name),
            "recipe": .string(recipe.hex),
            "receiverItems": .integer(Int64(receiverCount)),
            "senderItems": .integer(Int64(senderCount)),
            "threshold": .integer(Int64(threshold)),
            "agreed": agreed.map { .string($0.hex) } ?? .null,
            "lambda": .integer(Int64(Self.statisticalBits)),
            "kappa": .integer(Int64(Self.computationalBits)),
            "tagBytes": .integer(Int64(tagByteCount)), "parts": .integer(Int64(parts)),
            "leaks": .array(leaks.map { .string($0) }),
        ]
    }

    package var digest: Digest { Digest(of: json.canonicalBytes) }

    private var leaks: [String] {
        switch output {
        case .rowsToReceiver: ["both set sizes", "the receiver learns which of its keys match"]
        case .rowsToBoth: ["both set sizes", "both learn which of their keys match"]
        case .size: ["both set sizes", "the sizes of the receiver's groups", "the receiver learns counts"]
        case .shares: ["both set sizes", "what both sides then open together"]
        case .selection:
            [
                "to the sender: how many groups are asked about, and how many rows of each are linked",
                "to the receiver: what the sender releases",
            ]
        case .held, .heldSum:
            [
                "both set sizes",
                "to the receiver: the sizes of the sender's groups and how many of each match",
                "to the sender: what the receiver releases",
            ]
        }
    }
}
