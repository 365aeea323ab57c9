// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §4. Every refusal is decided from the question, the rules and the schema
// alone: it tells nothing about a row.

package import Primitives
package import Tables

/// Why a question is not answered, and where in it. Its three sentences stand in `Texts/privatesql.yaml`
/// under `privatesql.<code>`.
package struct QuestionRefusal: Error, Hashable, Sendable {
    /// Closed, so that every code has its sentences and its test.
    package enum Code: String, Hashable, Sendable, CaseIterable {
        case syntaxRefused = "syntax-refused"
        case formUnknown = "form-unknown"
        case tableUnlisted = "table-unlisted"
        case columnUnknown = "column-unknown"
        case columnAmbiguous = "column-ambiguous"
        case useRefused = "use-refused"
        case functionUnlisted = "function-unlisted"
        case typeMismatched = "type-mismatched"
        case rowsRequested = "rows-requested"
        case columnUngrouped = "column-ungrouped"
        case aggregateMisplaced = "aggregate-misplaced"
        case groupsUnlisted = "groups-unlisted"
        case groupsTooMany = "groups-too-many"
        case boundsMissing = "bounds-missing"
        case rangeTooWide = "range-too-wide"
        case joinUndeclared = "join-undeclared"
        case joinBetweenPeople = "join-between-people"
        case distinctRefused = "distinct-refused"
        case extremesRefused = "extremes-refused"
        case unitMissing = "unit-missing"
        case sidesMixed = "sides-mixed"
        case stagesMixed = "stages-mixed"
        case noiseTooWide = "noise-too-wide"
        case schemaMismatched = "schema-mismatched"

        /// The problem's code, as `Texts/privatesql.yaml` has it.
        package var name: String { "privatesql.\(rawValue)" }
    }

    package let code: Code
    package let place: SyntaxPlace?
    package let arguments: [String: Problem.Argument]

    package init(_ code: Code, at place: SyntaxPlace? = nil, _ arguments: [String: Problem.Argument] = [:]) {
        self.code = code
        self.place = place
        self.arguments = arguments
    }

    /// A question with an open place is a template: it is asked with an argument in it.
    static func unfilled(_ parameter: String, at place: SyntaxPlace?) -> QuestionRefusal {
        QuestionRefusal(.formUnknown, at: place, ["form": .text("$" + parameter)])
    }

    /// The refusal as it crosses room borders; `where` is the words at the place.
    package func problem(in tree: SyntaxTree?) -> Problem {
        var all = arguments
        all["where"] = .text(tree?.words(at: place) ?? "")
        let name = code.name
        return Problem(.forbidden, name, all)
    }
}

extension QuestionRefusal {
    package init(_ refusal: SyntaxRefusal) {
        switch refusal {
        case .unparsed(let message, let place):
            self.init(.syntaxRefused, at: place, ["message": .text(message)])
        case .unknown(let form, let place):
            self.init(.formUnknown, at: place, ["form": .text(form)])
        case .statements(let count):
            self.init(.formUnknown, at: nil, ["form": .text("\(count) statements")])
        case .tooLarge(let what):
            self.init(.formUnknown, at: nil, ["form": .text(what)])
        }
    }
}
