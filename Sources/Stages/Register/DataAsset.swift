// SPDX-License-Identifier: Apache-2.0

package import Classification
package import Identity
package import Primitives

/// A table, lawfully held and known by a code; an asset from its registration on 数据资产.
package struct DataAsset: Hashable, Sendable {
    package let id: ID<DataAsset>
    package let holder: ID<Party>
    package let title: String
    /// Collector, source, method and legal basis, as Intake wrote them.
    package let origin: JSON
    /// The code of the registration in force, if there is one.
    package let registration: String?
    package let createdAt: Instant

    package var code: Code { Code(.asset, id) }

    package init(
        id: ID<DataAsset>, holder: ID<Party>, title: String, origin: JSON, registration: String? = nil,
        createdAt: Instant
    ) {
        self.id = id
        self.holder = holder
        self.title = title
        self.origin = origin
        self.registration = registration
        self.createdAt = createdAt
    }
}

/// One immutable state of an asset: a file that never changes and is kept while a passage may be replayed.
package struct AssetVersion: Hashable, Sendable {
    package let id: ID<AssetVersion>
    package let asset: ID<DataAsset>
    /// 1, 2, 3 …
    package let number: Int
    /// SHA-256 of the stored file's bytes.
    package let digest: Digest
    package let rowCount: Int64
    package let byteCount: Int64
    /// Relative to the node's `objects/`.
    package let path: String
    /// Fields, profile, quality, watermark.
    package let document: JSON
    package let createdAt: Instant

    package var code: Code { Code(.version, id) }

    package init(
        id: ID<AssetVersion>, asset: ID<DataAsset>, number: Int, digest: Digest, rowCount: Int64,
        byteCount: Int64, path: String, document: JSON, createdAt: Instant
    ) {
        self.id = id
        self.asset = asset
        self.number = number
        self.digest = digest
        self.rowCount = rowCount
        self.byteCount = byteCount
        self.path = path
        self.document = document
        self.createdAt = createdAt
    }
}

/// What the software proposed for one field, and what a responsible person made of it.
package struct FieldGrading: Hashable, Sendable {
    package let field: String
    package let dataClass: DataClass
    package let proposed: DataGrade
    /// The rule that decided: `kind:resident-id`, `catalog:…`, `default`.
    package let rule: String
    package let why: LocalizedText
    /// `nil` until a person decides, and again when the data grew into a stricter proposal.
    package let confirmed: DataGrade?
    package let confirmedBy: String?
    /// Why the decision departs from the proposal.
    package let reason: String?

    package init(
        field: String, dataClass: DataClass, proposed: DataGrade, rule: String, why: LocalizedText,
        confirmed: DataGrade? = nil, confirmedBy: String? = nil, reason: String? = nil
    ) {
        self.field = field
        self.dataClass = dataClass
        self.proposed = proposed
        self.rule = rule
        self.why = why
        self.confirmed = confirmed
        self.confirmedBy = confirmedBy
        self.reason = reason
    }

    package init(_ proposal: GradeProposal) {
        self.init(
            field: proposal.column, dataClass: proposal.dataClass, proposed: proposal.grade,
            rule: proposal.rule,
            why: LocalizedText(
                zh: proposal.reasons.map(\.zh).joined(separator: "；"),
                en: proposal.reasons.map(\.en).joined(separator: "; ")))
    }

    /// The grade that counts now: the decision, and until there is one the proposal.
    package var grade: DataGrade { confirmed ?? proposed }
}
