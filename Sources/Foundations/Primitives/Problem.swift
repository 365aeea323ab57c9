// SPDX-License-Identifier: Apache-2.0

/// The one error that crosses room borders: what happened, why, what to do.
///
/// A problem carries a stable `code` (`room.noun-state`) and typed arguments. Its three sentences, in Chinese
/// and English, stand in `Texts/<room>.yaml` under that code and are chosen at the edge, so that no room knows
/// its reader's language. `operatorNote` goes to the operator's log and nowhere else.
package struct Problem: Error, Hashable, Sendable {
    /// Decides the HTTP status and whether a retry can help. Closed.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        /// The request itself is wrong; repeating it cannot help.
        case invalid
        /// No caller was proven.
        case unauthenticated
        /// The caller is known and may not.
        case forbidden
        /// There is no such thing, or not for this caller.
        case missing
        /// The state of the thing does not permit this step.
        case conflict
        /// A named limit was reached; later or smaller may pass.
        case limited
        /// Something needed does not answer now; a retry can help.
        case unavailable
        /// Our own defect, or a broken disk.
        case fault
    }

    /// A value inside a sentence. The edge writes it in the reader's way.
    package enum Argument: Hashable, Sendable {
        case text(String)
        case code(Code)
        case integer(Int64)
        case bytes(Int64)
        case money(Money)
        case instant(Instant)
        case duration(Duration)
        /// A decimal already written exactly, such as ε "0.50".
        case decimal(String)
        /// Several words, joined as the language joins them.
        case list([String])
        /// A text of ours in both languages, such as a grade or an action's name.
        case localized(LocalizedText)
    }

    package let kind: Kind
    package let code: String
    package let arguments: [String: Argument]
    package private(set) var operatorNote: String?

    package init(
        _ kind: Kind, _ code: String, _ arguments: [String: Argument] = [:], operatorNote: String? = nil
    ) {
        self.kind = kind
        self.code = code
        self.arguments = arguments
        self.operatorNote = operatorNote
    }

    /// The same problem with a note for the operator's log.
    package func noted(_ note: String) -> Problem {
        var noted = self
        noted.operatorNote = note
        return noted
    }
}

extension Problem.Argument: ExpressibleByStringLiteral {
    package init(stringLiteral value: String) { self = .text(value) }
}

/// A text that is kept in both languages of the house.
package struct LocalizedText: Hashable, Sendable {
    package let zh: String
    package let en: String

    package init(zh: String, en: String) {
        self.zh = zh
        self.en = en
    }

    /// One text for both, for names that have no translation.
    package init(_ same: String) {
        self.init(zh: same, en: same)
    }

    package subscript(_ language: Language) -> String {
        switch language {
        case .zh: zh
        case .en: en
        }
    }
}

/// The languages of the house.
package enum Language: String, Sendable, Hashable, CaseIterable {
    case zh
    case en
}
