// SPDX-License-Identifier: Apache-2.0

import Dataspace
import Policy
import Primitives

/// The tokens with which a consumer pulls what a transfer opened: an HMAC over the transfer and the end, under the
/// node's secret. Nothing is stored; a transfer that is not started opens nothing, whatever token is shown.
struct PullDoor: Sendable {
    let delivery: DeliveryService
    /// The root of this node's addresses, without a final slash.
    let root: String

    /// Long enough to begin a pull; a consumer renews it as often as the transfer is started.
    static let secondsToLive = 600

    func address(of pid: String, now: Instant) -> DataAddress {
        let id = String(pid.split(separator: ":").last ?? "")
        return .pull(
            from: root + "/dsp/data/" + id, token: token(id, now: now), expiresIn: Self.secondsToLive,
            refreshToken: id + "." + code("refresh", id, 0), refreshEndpoint: root + "/dsp/refresh")
    }

    func token(_ id: String, now: Instant) -> String {
        let end = now.seconds + Int64(Self.secondsToLive)
        return "\(end).\(code("pull", id, end))"
    }

    func opens(_ token: String, _ id: String, now: Instant) -> Bool {
        let parts = token.split(separator: ".").map(String.init)
        guard parts.count == 2, let end = Int64(parts[0]), end > now.seconds else { return false }
        return Digest(of: parts[1]) == Digest(of: code("pull", id, end))
    }

    /// The transfer that a refresh token was made for; `nil` for any other text.
    func transfer(of refreshToken: String) -> String? {
        let parts = refreshToken.split(separator: ".").map(String.init)
        guard parts.count == 2, Digest(of: parts[1]) == Digest(of: code("refresh", parts[0], 0)) else {
            return nil
        }
        return parts[0]
    }

    private func code(_ use: String, _ id: String, _ end: Int64) -> String {
        delivery.code("\(use)/\(id)/\(end)").hex
    }
}

/// Whose move it is in a transfer: a request that met no objection starts at once. Negotiations are the market's.
struct PullDesk: DataspaceDesk {
    let door: PullDoor

    func move(_ negotiation: Negotiation, at now: Instant) -> Negotiation.Move? { nil }

    func move(_ transfer: TransferProcess, at now: Instant) -> TransferProcess.Move? {
        guard transfer.state == .requested, transfer.side == .provider else { return nil }
        return .start(door.address(of: transfer.correspondence.ownPid, now: now))
    }
}
