// SPDX-License-Identifier: Apache-2.0

/// The closed registry of what the log records. A kind is one line here and one in
/// `docs/reference/log-entries.md` (a test compares them); its text is in every leaf and never changes.
package enum LogEntryKind: String, Hashable, Sendable, CaseIterable {
    // Parties and keys
    case partyJoined = "party-joined"
    case partyLeft = "party-left"
    case keyRotated = "key-rotated"

    // Collect, register
    case deliveryAccepted = "delivery-accepted"
    case deliveryRejected = "delivery-rejected"
    case resourceRegistered = "resource-registered"
    case assetRegistered = "asset-registered"
    case assetVersionAdded = "asset-version-added"
    case registrationStep = "registration-step"
    case registrationRevoked = "registration-revoked"
    case certificateIssued = "certificate-issued"
    case rightRecorded = "right-recorded"
    case rightMoved = "right-moved"
    case gradingConfirmed = "grading-confirmed"
    case attestationSigned = "attestation-signed"
    case attestationRevoked = "attestation-revoked"
    case valuationRecorded = "valuation-recorded"
    case mandateGranted = "mandate-granted"
    case mandateRevoked = "mandate-revoked"
    case codeIssued = "code-issued"
    case codeChanged = "code-changed"
    case codeShown = "code-shown"

    // Publish, trade
    case productDefined = "product-defined"
    case spaceOpened = "space-opened"
    case spaceChanged = "space-changed"
    case listingOpened = "listing-opened"
    case listingWithdrawn = "listing-withdrawn"
    case listingRefused = "listing-refused"
    case demandPosted = "demand-posted"
    case demandMatched = "demand-matched"
    case offerMade = "offer-made"
    case offerCountered = "offer-countered"
    case offerAccepted = "offer-accepted"
    case offerDeclined = "offer-declined"
    case agreementSigned = "agreement-signed"
    case agreementSuspended = "agreement-suspended"
    case agreementRevoked = "agreement-revoked"
    case contractFiled = "contract-filed"
    case auctionOpened = "auction-opened"
    case bidCommitted = "bid-committed"
    case bidRevealed = "bid-revealed"
    case auctionClosed = "auction-closed"

    // Valve, deliver, compute
    case passageReserved = "passage-reserved"
    case passageAnswered = "passage-answered"
    case passageSettled = "passage-settled"
    case passageVoided = "passage-voided"
    case passageRefused = "passage-refused"
    case passageReplayed = "passage-replayed"
    case questionProposed = "question-proposed"
    case questionDecided = "question-decided"
    case valveClosed = "valve-closed"
    case valveOpened = "valve-opened"
    case matchTranscript = "match-transcript"
    case trainingRound = "training-round"
    case workspaceRelease = "workspace-release"

    // Money
    case settlement = "settlement"
    case statementIssued = "statement-issued"
    case refundPosted = "refund-posted"

    // Governance
    case caseStep = "case-step"
    case listChanged = "list-changed"
    case ruleChanged = "rule-changed"
    case packLoaded = "pack-loaded"
    case inspectionRecorded = "inspection-recorded"
    case indicatorPublished = "indicator-published"
    case checkpointAnchored = "checkpoint-anchored"

    /// Whether the leaf names its subject's code in public. Acts that are public by their nature do; what tells
    /// of two parties' dealings (offers, agreements, passages, money) names its subject only in the salted
    /// content, for stable codes would publish who trades how often.
    package var namesSubject: Bool {
        switch self {
        case .partyJoined, .partyLeft, .keyRotated, .resourceRegistered, .assetRegistered, .assetVersionAdded,
            .registrationStep, .registrationRevoked, .certificateIssued, .rightRecorded, .gradingConfirmed,
            .attestationSigned, .attestationRevoked, .productDefined, .spaceOpened, .spaceChanged,
            .listingOpened, .listingWithdrawn, .valveClosed, .valveOpened, .listChanged, .ruleChanged,
            .packLoaded, .codeIssued, .indicatorPublished, .checkpointAnchored, .auctionOpened,
            .auctionClosed:
            true
        default:
            false
        }
    }
}
