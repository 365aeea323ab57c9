// SPDX-License-Identifier: Apache-2.0

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
    package let dataClass: String
    package let proposed: String
    package let why: String
    package let confirmed: String?
    package let confirmedBy: String?

    package init(
        field: String, dataClass: String, proposed: String, why: String, confirmed: String? = nil,
        confirmedBy: String? = nil
    ) {
        self.field = field
        self.dataClass = dataClass
        self.proposed = proposed
        self.why = why
        self.confirmed = confirmed
        self.confirmedBy = confirmedBy
    }
}
