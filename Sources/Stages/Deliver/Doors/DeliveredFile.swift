// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// The forms in which a table leaves as a file.
package enum FileForm: String, Hashable, Sendable, CaseIterable {
    case csv, parquet, json

    package var mediaType: String {
        switch self {
        case .csv: "text/csv; charset=utf-8"
        case .parquet: "application/vnd.apache.parquet"
        case .json: "application/json"
        }
    }
}

/// A file that may leave now: written for its receiver, counted and logged.
package struct DeliveredFile: Hashable, Sendable {
    package let path: String
    package let form: FileForm
    package let byteCount: Int64
    package let rowCount: Int64
    package let digest: Digest
    /// `nil` for what is open to everybody.
    package let passage: Code?

    package init(
        path: String, form: FileForm, byteCount: Int64, rowCount: Int64, digest: Digest, passage: Code? = nil
    ) {
        self.path = path
        self.form = form
        self.byteCount = byteCount
        self.rowCount = rowCount
        self.digest = digest
        self.passage = passage
    }

    var json: JSON {
        [
            "path": .string(path), "form": .string(form.rawValue), "bytes": .integer(byteCount),
            "rows": .integer(rowCount), "digest": .string(digest.hex),
        ]
    }

    init?(json: JSON?, passage: Code?) {
        guard let path = json?["path"]?.text, let form = json?["form"]?.text.flatMap(FileForm.init),
            let bytes = json?["bytes"]?.integer, let rows = json?["rows"]?.integer,
            let digest = json?["digest"]?.text.flatMap({ Digest(hex: $0) })
        else { return nil }
        self.init(
            path: path, form: form, byteCount: bytes, rowCount: rows, digest: digest, passage: passage)
    }
}
