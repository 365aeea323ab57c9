// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// Where a thing stands: a word, and for a thing that waits, always with whom and until when.
package struct Standing: Hashable, Sendable {
    /// The meaning of the color; the word and the sign say it too.
    package enum Tone: String, Hashable, Sendable, CaseIterable {
        case plain
        /// Somebody must act.
        case waits
        /// Proven, not only claimed.
        case verified
        /// Ended, refused, or the valve is closed.
        case stopped
    }

    package let label: LocalizedText
    package let tone: Tone
    /// With whom it waits.
    package let owner: String?
    /// Until when.
    package let due: Instant?

    package init(_ label: LocalizedText, _ tone: Tone = .plain, owner: String? = nil, due: Instant? = nil) {
        self.label = label
        self.tone = tone
        self.owner = owner
        self.due = due
    }

    func chip(_ say: Reader) -> HTML {
        """
        <span class="chip \(tone.rawValue)">\(sign)\(say(label))</span>\
        \(given(owner) { " <span class=\"with\">\(say("在", "with")) \($0)</span>" })\
        \(given(due) { " <span class=\"with\">\(say("截止", "until")) \(say.time($0))</span>" })
        """
    }

    private var sign: HTML {
        switch tone {
        case .plain: .nothing
        case .waits: "<span aria-hidden=\"true\">◔</span> "
        case .verified: "<span aria-hidden=\"true\">✓</span> "
        case .stopped: "<span aria-hidden=\"true\">✕</span> "
        }
    }
}

/// Something that has a name and, where it is registered, a code that leads to its evidence.
package struct Named: Hashable, Sendable {
    package let name: LocalizedText
    package let code: Code?

    package init(_ name: LocalizedText, _ code: Code? = nil) {
        self.name = name
        self.code = code
    }

    package init(_ name: String, _ code: Code? = nil) {
        self.init(LocalizedText(name), code)
    }

    func link(_ say: Reader) -> HTML {
        guard let code else { return HTML(say(name)) }
        return "<a href=\"/codes/\(code.text)\">\(say(name))</a>"
    }
}

extension Code {
    /// The code as text that is copied whole and leads to its evidence.
    var link: HTML { "<a class=\"code\" href=\"/codes/\(text)\">\(text)</a>" }
}

extension Digest {
    /// Sixty-four digits that wrap and are copied whole.
    var block: HTML { "<code class=\"digest\">\(hex)</code>" }
}
