// SPDX-License-Identifier: Apache-2.0

/// The words of ODRL and of our profile.
///
/// Our own terms are absolute IRIs of the scheme `hutong:`, so the same text is right with and without a
/// JSON-LD context: the Dataspace Protocol admits no context of ours in its messages.
package enum Vocabulary {
    package static let odrl = "http://www.w3.org/ns/odrl/2/"
    package static let xsd = "http://www.w3.org/2001/XMLSchema#"
    /// The profile every policy of ours names.
    package static let profile = "hutong:profile/1"

    /// The short name of a term: without ODRL's namespace or prefix, other IRIs unchanged.
    package static func short(_ name: String) -> String {
        for prefix in [odrl, "odrl:"] where name.hasPrefix(prefix) && name.count > prefix.count {
            return String(name.dropFirst(prefix.count))
        }
        return name.hasPrefix(xsd) ? "xsd:" + name.dropFirst(xsd.count) : name
    }

    /// The full IRI of a short name.
    package static func iri(_ name: String) -> String {
        if name.hasPrefix("xsd:") { return xsd + name.dropFirst(4) }
        return name.contains(":") ? name : odrl + name
    }

    /// Each action's next wider one (ODRL Vocabulary §3.1, `odrl:includedIn`; below `use` our doors).
    ///
    /// `describe`, `query`, `match`, `train` and `workspace` hand over nothing but an answer; `download` and
    /// `share` hand over a copy, so they are kinds of `reproduce`.
    package static let includedIn: [String: String] = [
        "hutong:describe": "use", "hutong:query": "use", "hutong:match": "use", "hutong:train": "use",
        "hutong:workspace": "use", "hutong:download": "reproduce", "hutong:share": "reproduce",
        "aggregate": "use", "annotate": "use", "anonymize": "use", "archive": "use", "attribute": "use",
        "concurrentUse": "use", "derive": "use", "digitize": "use", "display": "play", "distribute": "use",
        "execute": "use", "extract": "reproduce", "extractChar": "reproduce", "extractPage": "reproduce",
        "extractWord": "reproduce", "give": "transfer", "grantUse": "use", "include": "use", "index": "use",
        "inform": "use", "install": "use", "modify": "use", "move": "use", "play": "use", "present": "use",
        "print": "use", "read": "use", "reproduce": "use", "sell": "transfer", "stream": "use",
        "synchronize": "use", "textToSpeech": "use", "transform": "use", "translate": "use",
        "uninstall": "use", "watermark": "use", "write": "modify", "writeTo": "modify",
        "compensate": "use", "delete": "use", "ensureExclusivity": "use", "nextPolicy": "use",
        "obtainConsent": "use", "reviewPolicy": "use", "acceptTracking": "use",
    ]

    /// Whether asking for `action` falls under a rule about `wider`: the same, or included in it.
    package static func action(_ action: String, isIncludedIn wider: String) -> Bool {
        var name = action
        // The chain has three links at most; the bound only keeps a careless edit of the table from looping.
        for _ in 0..<8 {
            if name == wider { return true }
            guard let next = includedIn[name] else { return false }
            name = next
        }
        return false
    }

    /// Whether a place lies in another: `CN-11` and `CN-11-08` in `CN` (ISO 3166-1 and -2, then our area codes).
    package static func place(_ place: String, liesIn wider: String) -> Bool {
        let (inner, outer) = (place.uppercased(), wider.uppercased())
        return inner == outer || inner.hasPrefix(outer + "-")
    }
}

/// A way through the valve, and the action by which a policy calls it.
package enum Door: String, Hashable, Sendable, CaseIterable {
    case describe, download, share, query, match, train, workspace

    package var action: String { "hutong:" + rawValue }

    /// Whether a copy of the rows leaves by this door.
    package var handsOverACopy: Bool { self == .download || self == .share }
}
