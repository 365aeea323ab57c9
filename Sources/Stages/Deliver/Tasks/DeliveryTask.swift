// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import Valve

/// A file on its way to us 交付任务: how much came, what it must be, what went wrong, when it is tried again.
///
/// A value. The bytes that came are the local file's; an attempt goes on where the last one broke off, and the file counts
/// as delivered when its SHA-256 is the one that its sender stated.
package struct DeliveryTask: Hashable, Sendable {
    package enum State: String, Hashable, Sendable, CaseIterable { case waiting, done, failed }

    package let id: ID<DeliveryTask>
    /// The started transfer that opened the data.
    package let transfer: String
    package let form: FileForm
    /// One use, however often it is tried.
    package let passage: ID<Passage>
    package private(set) var state = State.waiting
    package private(set) var byteCount: Int64 = 0
    package private(set) var total: Int64?
    /// What the sender says the whole is.
    package private(set) var digest: Digest?
    package private(set) var attempts = 0
    package private(set) var nextAttempt: Instant?
    package private(set) var lastError: String?

    package var code: Code { Code(.transfer, id) }

    /// A sender that stays away longer than this many attempts, about a day, is given up.
    private static let attemptsMax = 300
    private static let pauseMax: Duration = .seconds(300)

    package init(
        id: ID<DeliveryTask>, transfer: String, form: FileForm, passage: ID<Passage>, at now: Instant
    ) {
        self.id = id
        self.transfer = transfer
        self.form = form
        self.passage = passage
        nextAttempt = now
    }

    /// An attempt brought this much; it goes on at once unless that was all.
    package mutating func note(byteCount: Int64, total: Int64?, digest: Digest?, at now: Instant) {
        self.byteCount = byteCount
        self.total = total ?? self.total
        self.digest = digest ?? self.digest
        lastError = nil
        nextAttempt = now
    }

    /// An attempt failed; the next comes after twice the last pause, at most five minutes.
    package mutating func noteFailed(_ error: String, byteCount: Int64, at now: Instant) {
        self.byteCount = byteCount
        attempts += 1
        lastError = error
        guard attempts < Self.attemptsMax else { return giveUp(error) }
        let pause = Duration.milliseconds(500) * (1 << min(attempts - 1, 12))
        nextAttempt = now.advanced(by: min(pause, Self.pauseMax))
    }

    /// Nothing will come any more: refused, ended.
    package mutating func giveUp(_ error: String) {
        state = .failed
        lastError = error
        nextAttempt = nil
    }

    /// The whole is here; true if it is what its sender stated.
    package mutating func finish(as found: Digest, at now: Instant) -> Bool {
        guard digest == nil || digest == found else {
            digest = nil
            noteFailed("digest-differs", byteCount: 0, at: now)
            return false
        }
        digest = found
        state = .done
        nextAttempt = nil
        lastError = nil
        return true
    }

    package var json: JSON {
        [
            "id": .string(id.uuid), "task": .string(code.text), "transfer": .string(transfer),
            "form": .string(form.rawValue), "passage": .string(passage.uuid),
            "state": .string(state.rawValue), "bytes": .integer(byteCount),
            "total": total.map(JSON.integer) ?? .null, "digest": digest.map { .string($0.hex) } ?? .null,
            "attempts": .integer(Int64(attempts)),
            "nextAttempt": nextAttempt.map { .string($0.rfc3339) } ?? .null,
            "lastError": lastError.map(JSON.string) ?? .null,
        ]
    }

    init(stored json: JSON) throws(Problem) {
        guard let id = json["id"]?.text.flatMap({ ID<DeliveryTask>(uuid: $0) }),
            let transfer = json["transfer"]?.text, let form = json["form"]?.text.flatMap(FileForm.init),
            let passage = json["passage"]?.text.flatMap({ ID<Passage>(uuid: $0) }),
            let state = json["state"]?.text.flatMap(State.init)
        else { throw Problem(.fault, "dataspace.process-unreadable") }
        self.id = id
        self.transfer = transfer
        self.form = form
        self.passage = passage
        self.state = state
        byteCount = json["bytes"]?.integer ?? 0
        total = json["total"]?.integer
        digest = json["digest"]?.text.flatMap { Digest(hex: $0) }
        attempts = Int(json["attempts"]?.integer ?? 0)
        nextAttempt = json["nextAttempt"]?.text.flatMap { Instant(rfc3339: $0) }
        lastError = json["lastError"]?.text
    }
}
