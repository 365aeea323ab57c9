// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// One fact of use, as a CloudEvents 1.0 event carries it: source and id name it for ever.
package struct UsageEvent: Hashable, Sendable {
    package let id: String
    package let source: String
    package let type: String
    /// Whose use it is: the code of an agreement, an order, a grant.
    package let subject: String
    /// When it happened; `nil`: when it was received.
    package let time: Instant?
    package let data: JSON
    /// The same fact has the same digest; the receiver's clock is no part of it. Computed once, by whoever makes
    /// the event, so that the writer does not.
    package let digest: Digest

    package init(
        id: String, source: String, type: String, subject: String, time: Instant? = nil, data: JSON = .null
    ) {
        self.id = id
        self.source = source
        self.type = type
        self.subject = subject
        self.time = time
        self.data = data
        var members: [String: JSON] = [
            "id": .string(id), "source": .string(source), "type": .string(type), "subject": .string(subject),
            "data": data,
        ]
        if let time { members["time"] = .integer(time.microseconds) }
        digest = Digest(of: JSON.object(members).canonicalBytes)
    }
}

// MARK: CloudEvents 1.0, JSON format

extension UsageEvent {
    /// Events of one batch: what one commit takes without letting others wait noticeably.
    package static let batchMax = 10_000

    /// Reads one structured event, or a batch (CloudEvents JSON format §3, §4).
    package static func events(cloudEvents json: JSON) throws(Problem) -> [UsageEvent] {
        guard case .array(let batch) = json else { return [try event(json, place: 0)] }
        guard batch.count <= batchMax else { throw .batchTooLarge(batch.count) }
        var events: [UsageEvent] = []
        events.reserveCapacity(batch.count)
        for (place, element) in batch.enumerated() { events.append(try event(element, place: place)) }
        return events
    }

    private static func event(_ json: JSON, place: Int) throws(Problem) -> UsageEvent {
        func refused(_ attribute: String) -> Problem { .eventMalformed(place: place, attribute: attribute) }
        guard case .object(let members) = json else { throw refused("event") }
        // CloudEvents 1.0 §3.1: REQUIRED and non-empty.
        guard members["specversion"]?.text == "1.0" else { throw refused("specversion") }
        guard let id = word(members["id"]) else { throw refused("id") }
        guard let source = word(members["source"]) else { throw refused("source") }
        guard let type = word(members["type"]) else { throw refused("type") }
        // OPTIONAL in the standard; we bill somebody, so there must be a subject.
        guard let subject = word(members["subject"]) else { throw refused("subject") }
        var time: Instant?
        if let written = members["time"] {
            guard let text = written.text, let instant = Instant(rfc3339: text), instant.microseconds >= 0
            else { throw refused("time") }
            time = instant
        }
        // A usage event's data is JSON; binary data cannot be counted.
        if members["data_base64"] != nil { throw refused("data_base64") }
        let data = members["data"] ?? .null
        return UsageEvent(id: id, source: source, type: type, subject: subject, time: time, data: data)
    }

    /// Longest attribute: an index entry must fit a page.
    private static let attributeBytesMax = 512

    private static func word(_ json: JSON?) -> String? {
        guard let text = json?.text, !text.isEmpty, text.utf8.count <= attributeBytesMax else { return nil }
        return text
    }
}
