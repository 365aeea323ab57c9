// SPDX-License-Identifier: Apache-2.0

/// The paths of the protocol under a node's base or callback address. One table serves both sides: the other
/// side decides by its message who it takes us for.
package enum DSPRoute: Hashable, Sendable {
    case catalog
    case dataset(String)
    case negotiationBegin(NegotiationMessage.Kind)
    case negotiation(String)
    case negotiationStep(String, Step)
    case transferBegin
    case transfer(String)
    case transferStep(String, TransferMessage.Kind)

    /// The steps of a negotiation by their paths.
    package enum Step: String, Hashable, Sendable, CaseIterable {
        case request, offers, events, agreement, termination
        case verification = "agreement/verification"

        func takes(_ kind: NegotiationMessage.Kind) -> Bool {
            switch self {
            case .request: kind == .request
            case .offers: kind == .offer
            case .events: kind == .accepted || kind == .finalized
            case .agreement: kind == .agreement
            case .verification: kind == .verification
            case .termination: kind == .termination
            }
        }
    }

    /// `nil` for what is no path of the protocol.
    package init?(_ method: String, _ path: String) {
        let parts = path.split(separator: "/").map { Self.decoded(String($0)) }
        switch (method, parts.first, parts.count) {
        case ("POST", "catalog", 2) where parts[1] == "request": self = .catalog
        case ("GET", "catalog", 3) where parts[1] == "datasets": self = .dataset(parts[2])
        case ("POST", "negotiations", 2) where parts[1] == "request": self = .negotiationBegin(.request)
        case ("POST", "negotiations", 2) where parts[1] == "offers": self = .negotiationBegin(.offer)
        case ("GET", "negotiations", 2): self = .negotiation(parts[1])
        case ("POST", "negotiations", 3...4):
            guard let step = Step(rawValue: parts[2...].joined(separator: "/")) else { return nil }
            self = .negotiationStep(parts[1], step)
        case ("POST", "transfers", 2) where parts[1] == "request": self = .transferBegin
        case ("GET", "transfers", 2): self = .transfer(parts[1])
        case ("POST", "transfers", 3):
            guard let kind = TransferMessage.Kind(rawValue: parts[2]), kind != .request else { return nil }
            self = .transferStep(parts[1], kind)
        default: return nil
        }
    }

    /// RFC 3986 §2.1; a broken escape stays as it is.
    private static func decoded(_ text: String) -> String {
        guard text.contains("%") else { return text }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                rest = rest.dropFirst(2)
                bytes.append(value)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
