// SPDX-License-Identifier: Apache-2.0
//
// Specification: ours. Adversary: any peer. Secret: nothing here. Leaks by design: the reason a run ended; no
// reason depends on an item. Timing: not applicable. Vectors: Tests/PSITests.

/// Why a private match ended without a result. Nothing was revealed beyond the messages already sent.
package enum PSIFailure: Error, Hashable, Sendable {
    /// The two sides hold different plans.
    case differentPlans
    /// A message of another kind than the protocol expects next.
    case unexpectedMessage
    /// A message's chain tag is wrong: altered, repeated, out of order or from another run.
    case altered
    /// The peer's bytes do not have the form or the count the plan demands.
    case malformed
    /// The link closed before the run was complete.
    case closed
    /// Nothing arrived within the link's deadline.
    case timedOut
    /// The peer ended the run and named its reason.
    case refusedByPeer(Reason)
    /// Both sides' counts or keyed digests of the output differ.
    case outputsDiffer
    /// A consistency check of the malicious protocol failed: the peer deviated.
    case cheating
    /// The plan demands more memory or items than this side allows.
    case tooLarge
    /// The encoding of the keys failed (probability below 2^-40 a run): start again with fresh randomness.
    case encodingFailed
    /// This method does not give this output: its receiver would learn more than the output says.
    case notOffered
    /// What was prepared for this run has been used already.
    case alreadyUsed

    /// What a refusal message says; closed, one byte on the wire.
    package enum Reason: UInt8, Hashable, Sendable {
        case differentPlans = 1
        case unexpectedMessage, altered, malformed, closed, timedOut, refusedByPeer, outputsDiffer
        case cheating, tooLarge, encodingFailed, notOffered, alreadyUsed
    }

    package var reason: Reason {
        switch self {
        case .differentPlans: .differentPlans
        case .unexpectedMessage: .unexpectedMessage
        case .altered: .altered
        case .malformed: .malformed
        case .closed: .closed
        case .timedOut: .timedOut
        case .refusedByPeer: .refusedByPeer
        case .outputsDiffer: .outputsDiffer
        case .cheating: .cheating
        case .tooLarge: .tooLarge
        case .encodingFailed: .encodingFailed
        case .notOffered: .notOffered
        case .alreadyUsed: .alreadyUsed
        }
    }
}
