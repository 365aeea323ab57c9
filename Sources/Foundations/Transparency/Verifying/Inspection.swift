// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import Store

/// One thing that is not as it should be, and where.
package struct Finding: Hashable, Sendable {
    /// The file or the row: `tile/0/000`, `leaf 17`, `transfer trf-…`.
    package let place: String
    package let what: LocalizedText
    /// Whether the thing is derived, so that `--repair` makes it again.
    package let isRepairable: Bool

    package init(_ place: String, _ what: LocalizedText, isRepairable: Bool = false) {
        self.place = place
        self.what = what
        self.isRepairable = isRepairable
    }

    package var json: JSON {
        [
            "place": .string(place), "zh": .string(what.zh), "en": .string(what.en),
            "repairable": .bool(isRepairable),
        ]
    }
}

/// What another room knows to check about its own rows: the ledger that debits equal credits and balances
/// follow from transfers, the meter that aggregates follow from events. `fsck` and `verify` run them all over
/// one consistent state.
package protocol DataCheck: Sendable {
    /// For the report: `ledger`, `meter`.
    var name: String { get }

    /// Everything wrong that the room can see; empty if nothing is.
    func findings(in reading: any SQLReading) throws(Problem) -> [Finding]
}

/// The result of an `fsck` or `verify` over a folder.
package struct InspectionReport: Hashable, Sendable {
    package var leavesChecked: UInt64 = 0
    package var filesChecked = 0
    package var checksRun: [String] = []
    package var findings: [Finding] = []

    package init() {}

    /// Findings beyond this are counted and not listed: one broken disk can make millions.
    package static let findingsMax = 1000
    package private(set) var unlistedCount = 0

    package var isClean: Bool { findings.isEmpty }

    package mutating func add(_ finding: Finding) {
        if findings.count < Self.findingsMax { findings.append(finding) } else { unlistedCount += 1 }
    }

    package var json: JSON {
        [
            "clean": .bool(isClean), "leaves": .integer(Int64(clamping: leavesChecked)),
            "files": .integer(Int64(filesChecked)), "checks": .array(checksRun.map { .string($0) }),
            "findings": .array(findings.map(\.json)), "unlisted": .integer(Int64(unlistedCount)),
        ]
    }
}
