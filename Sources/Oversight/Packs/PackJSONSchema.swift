// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// JSON Schemas (draft 7) of a pack's files, for editors that help while one writes: what may stand where, and what has
/// to. `hutong pack check` reads more closely: names must exist, expressions must parse, examples must hold. A test
/// keeps the two in agreement.
package enum PackJSONSchema: String, CaseIterable, Sendable {
    case pack, rules, cases, lists, plans, indicators, grading, scenario

    /// The schema for a file by its path inside the pack; `nil` for what is no YAML.
    package init?(file path: String) {
        guard path.hasSuffix(".yaml") else { return nil }
        switch path {
        case "pack.yaml": self = .pack
        case "scenario.yaml": self = .scenario
        default:
            guard let folder = path.split(separator: "/").first.map(String.init) else { return nil }
            self.init(rawValue: folder)
        }
    }

    /// `rules.schema.json`, as it lies in `docs/schema` and in a pack's `.schema`.
    package var fileName: String { rawValue + ".schema.json" }

    /// The first line of a file, by which editors find its schema.
    package func modeline(for path: String) -> String {
        let up = String(repeating: "../", count: path.count { $0 == "/" })
        return "# yaml-language-server: $schema=\(up).schema/\(fileName)\n"
    }

    /// The whole schema document.
    package var document: JSON {
        var members = shape.object ?? [:]
        members["$schema"] = "http://json-schema.org/draft-07/schema#"
        members["title"] = .string("Hutong pack: " + rawValue)
        return .object(members)
    }

    private var shape: JSON {
        switch self {
        case .pack:
            Shape.object(["id": Shape.text, "version": Shape.day, "title": Shape.localized], Self.head)
        case .rules: Self.ruleBook
        case .cases: Self.procedure
        case .lists: ["if": ["required": ["selects"]], "then": Self.selection, "else": Self.list]
        case .plans: Self.plan
        case .indicators: Self.index
        case .grading: ["if": ["required": ["sector"]], "then": Self.catalog, "else": Self.recognizers]
        case .scenario: Self.story
        }
    }

    private static let head: [String: JSON] = [
        "sources": Shape.list(of: Shape.object(["document": Shape.text, "title": Shape.localized])),
        "needs": Shape.texts, "note": Shape.localized,
    ]

    // MARK: Rules

    private static let ruleBook = Shape.object(
        ["id": Shape.text, "title": Shape.localized, "document": Shape.text],
        [
            "settings": Shape.map(of: Shape.object(["value": [:], "note": Shape.localized])),
            "facts": Shape.map(of: Shape.object(["type": Shape.text, "title": Shape.localized])),
            "derived": Shape.list(of: Shape.object(["name": Shape.text, "value": Shape.expression])),
            "clauses": Shape.list(
                of: Shape.object(
                    [
                        "id": Shape.text, "article": Shape.text,
                        "kind": Shape.word("condition", "exception", "exclusion", "amount", "cap", "duty"),
                        "text": Shape.localized, "when": Shape.expression,
                    ], ["lifts": Shape.texts, "settings": Shape.texts])),
            "rankings": Shape.list(
                of: Shape.object(
                    [
                        "id": Shape.text, "article": Shape.text, "title": Shape.localized,
                        "by": Shape.expression,
                    ],
                    [
                        "only": Shape.expression,
                        "bands": Shape.list(
                            of: Shape.object([
                                "from": Shape.integer, "through": Shape.integer, "amount": Shape.integer,
                            ])),
                    ])),
            "exclusiveGroups": Shape.list(of: Shape.texts),
            "tests": Shape.list(
                of: Shape.object(
                    ["id": Shape.text, "expect": [:]], ["facts": [:], "applicants": Shape.list(of: [:])])),
        ])

    // MARK: Procedures

    private static let state = Shape.object(
        ["id": Shape.text, "title": Shape.localized, "owner": Shape.text],
        [
            "deadline": Shape.object(
                ["period": Shape.period], ["countsFirstDay": Shape.flag, "then": Shape.text]),
            "final": Shape.flag, "notice": Shape.flag, "maySuspend": Shape.flag,
        ])

    private static let step = Shape.object(
        ["id": Shape.text, "title": Shape.localized, "from": Shape.texts, "to": Shape.text],
        [
            "by": Shape.texts, "inputs": Shape.texts, "needsMaterials": Shape.flag,
            "scores": Shape.list(of: Shape.object(["id": Shape.text, "title": Shape.localized])),
            "checksLists": Shape.flag,
            "reviews": Shape.object(["min": Shape.integer], ["mark": Shape.integer]),
            "objections": Shape.word("noneUpheld", "upheld"), "within": Shape.period, "bar": Shape.period,
            "letter": Shape.text,
            "enlists": Shape.object(["list": Shape.text, "entry": Shape.map(of: Shape.text)]),
            "delists": Shape.object(["list": Shape.text, "key": Shape.text]), "citation": Shape.text,
        ])

    private static let procedure = Shape.object(
        [
            "id": Shape.text, "title": Shape.localized, "citation": Shape.text, "start": Shape.text,
            "roles": Shape.map(of: Shape.localized), "states": Shape.list(of: state),
        ],
        [
            "rule": Shape.text, "steps": Shape.list(of: step), "letters": Shape.map(of: Shape.localized),
            "questions": Shape.list(
                of: Shape.object(
                    ["id": Shape.text, "title": Shape.localized],
                    ["required": Shape.flag, "from": Shape.text])),
            "excludedBy": Shape.list(of: Shape.object(["list": Shape.text, "by": Shape.text])),
            "materials": Shape.list(
                of: Shape.object(["id": Shape.text, "title": Shape.localized], ["required": Shape.flag])),
            "tests": Shape.list(
                of: Shape.object(
                    ["id": Shape.text, "from": Shape.day],
                    [
                        "state": Shape.text, "step": Shape.text, "countsFirstDay": Shape.flag,
                        "due": Shape.day, "barredUntil": Shape.optional(Shape.day),
                    ])),
        ])

    // MARK: Lists

    private static let list = Shape.object(
        [
            "id": Shape.text, "title": Shape.localized, "key": Shape.text, "writers": Shape.texts,
            "readers": Shape.texts,
            "fields": Shape.map(
                of: Shape.object(
                    [
                        "type": Shape.word(
                            "text", "integer", "decimal", "boolean", "day", "creditCode", "texts"),
                        "title": Shape.localized,
                    ], ["required": Shape.flag, "personal": Shape.flag, "choices": Shape.texts])),
        ],
        [
            "example": Shape.flag, "references": Shape.map(of: Shape.text),
            "audience": Shape.object(["list": Shape.text, "by": Shape.map(of: Shape.text)]),
            "entries": Shape.list(of: ["type": "object"]),
        ])

    private static let selection = Shape.object(
        ["id": Shape.text, "title": Shape.localized, "selects": Shape.text],
        ["where": Shape.map(of: Shape.text), "requires": Shape.texts])

    // MARK: Measurement

    private static let figure = Shape.object(
        ["year": Shape.integer, "value": Shape.number], ["unit": Shape.text])

    private static let plan = Shape.object(
        ["id": Shape.text, "title": Shape.localized],
        [
            "targets": Shape.list(
                of: Shape.object(
                    [
                        "id": Shape.text, "title": Shape.localized, "source": Shape.text,
                        "operator": Shape.word(
                            "atLeast", "above", "equal", "about", "between", "qualitative"),
                    ],
                    [
                        "value": Shape.number, "upper": Shape.number, "unit": Shape.text,
                        "year": Shape.integer, "owner": Shape.text, "baseline": figure, "actual": figure,
                        "note": Shape.localized,
                    ])),
            "tasks": Shape.list(
                of: Shape.object(
                    ["id": Shape.text, "title": Shape.localized, "lead": Shape.text, "source": Shape.text],
                    [
                        "coLeads": Shape.texts, "due": Shape.day, "done": Shape.flag, "reported": Shape.day,
                        "milestones": Shape.list(
                            of: Shape.object(
                                ["title": Shape.localized, "due": Shape.day], ["done": Shape.flag])),
                    ])),
        ])

    private static let index = Shape.object(
        [
            "id": Shape.text, "title": Shape.localized, "source": Shape.text,
            "indicators": Shape.list(
                of: Shape.object(
                    ["id": Shape.text, "title": Shape.localized, "parent": Shape.text, "source": Shape.text],
                    [
                        "weight": Shape.number, "cost": Shape.flag, "denominator": Shape.text,
                        "unit": Shape.text,
                        "goalposts": Shape.object(
                            ["low": Shape.number, "high": Shape.number], ["log": Shape.flag]),
                    ])),
            "groups": Shape.list(
                of: Shape.object(
                    ["id": Shape.text, "title": Shape.localized],
                    [
                        "parent": Shape.text, "weight": Shape.number,
                        "aggregate": Shape.word("arithmetic", "geometric"),
                    ])),
        ],
        [
            "missing": Shape.word("skip", "groupMean"), "groupColumn": Shape.text,
            "treatOutliers": Shape.flag,
        ])

    // MARK: Grading

    private static let catalog = Shape.object(
        ["sector": Shape.text, "title": Shape.localized, "version": Shape.text],
        [
            "asOf": Shape.day,
            "items": Shape.list(
                of: Shape.object(
                    ["name": Shape.text],
                    ["words": Shape.texts, "kinds": Shape.texts, "rowsMin": Shape.integer])),
        ])

    private static let recognizers = Shape.object(
        [:],
        [
            "title": [:], "version": [:],
            "recognizers": Shape.list(
                of: Shape.object(
                    ["kind": Shape.text, "title": Shape.localized, "class": Shape.text, "grade": Shape.text],
                    [
                        "form": Shape.text, "check": Shape.text, "headers": Shape.texts,
                        "needsHeader": Shape.flag,
                    ])),
        ])

    // MARK: Scenario

    private static let story = Shape.object(
        ["title": Shape.localized, "parties": Shape.map(of: Shape.texts)],
        [
            "steps": Shape.list(
                of: Shape.object(
                    [:],
                    [
                        "day": Shape.day, "by": Shape.text, "open": Shape.text, "subject": Shape.text,
                        "answers": Shape.map(of: Shape.text), "submit": Shape.text, "check": Shape.text,
                        "mark": Shape.integer, "take": Shape.text, "inputs": Shape.map(of: Shape.text),
                        "object": Shape.text, "resolve": Shape.integer, "upheld": Shape.flag,
                        "appoint": Shape.text, "as": Shape.text, "suspend": Shape.text, "resume": [:],
                        "tick": [:], "decide": Shape.text, "facts": [:], "verdict": [:], "amount": [:],
                        "refused": Shape.text, "state": Shape.text,
                    ]))
        ])
}

/// The pieces of the schemas, as `Declaration` reads them.
private enum Shape {
    /// A text, or a number that stands for one.
    static let text: JSON = ["type": ["string", "number"], "minLength": 1]
    static let localized: JSON = [
        "anyOf": [["type": "string"], object(["zh": text, "en": text])]
    ]
    static let texts: JSON = ["anyOf": [text, list(of: text)]]
    static let day: JSON = ["type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"]
    static let integer: JSON = ["type": "integer"]
    static let number: JSON = ["type": ["number", "string"]]
    static let flag: JSON = ["type": "boolean"]
    static let expression: JSON = ["type": ["string", "number", "boolean"], "minLength": 1]
    static let period: JSON = {
        var members =
            object(
                [:],
                ["workingDays", "days", "months", "years", "yearEnds"].reduce(into: [:]) {
                    $0[$1] = ["type": "integer", "minimum": 1, "maximum": 10000]
                }
            ).object ?? [:]
        members["minProperties"] = 1
        members["maxProperties"] = 1
        return .object(members)
    }()

    static func object(_ required: [String: JSON], _ optional: [String: JSON] = [:]) -> JSON {
        [
            "type": "object", "additionalProperties": false,
            "required": .array(required.keys.sorted().map { .string($0) }),
            // What may be left out may also be left empty.
            "properties": .object(required.merging(optional.mapValues(self.optional)) { $1 }),
        ]
    }

    static func optional(_ shape: JSON) -> JSON {
        shape == [:] ? shape : ["anyOf": [shape, ["type": "null"]]]
    }

    static func list(of element: JSON) -> JSON { ["type": "array", "items": element] }
    static func map(of value: JSON) -> JSON { ["type": "object", "additionalProperties": value] }
    static func word(_ words: String...) -> JSON { ["enum": .array(words.map { .string($0) })] }
}
