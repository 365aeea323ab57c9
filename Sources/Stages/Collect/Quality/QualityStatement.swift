// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Primitives
package import Tables

/// A quality report bound to the very bytes it is about and signed by whoever made it (S21).
package struct QualityStatement: Hashable, Sendable {
    package enum Standing: String, Hashable, Sendable {
        case valid
        /// The signature does not fit what the statement says.
        case broken
        /// It is about other bytes.
        case otherData = "other-data"
    }

    /// Report, digest of the data, assessor, time, formula: what the signature covers.
    package let statement: JSON
    package let key: PublicKey
    package let signature: [UInt8]

    /// Signs a report about the data with this digest.
    package init(
        _ report: QualityReport, about data: Digest, by assessor: String, at now: Instant, signer: any Signer
    ) throws(Problem) {
        statement = [
            "type": "hutong/quality/v1", "data": .string(data.hex), "by": .string(assessor),
            "at": .string(now.rfc3339),
            "formula": "GB/T 36344-2018: value = A / B; a dimension is the mean of its indicators",
            "report": report.json,
        ]
        key = signer.publicKey
        signature = try signer.signature(for: statement.canonicalBytes)
    }

    package init?(json: JSON) {
        guard let statement = json["statement"], let sign = json["signature"],
            let algorithm = sign["algorithm"]?.text.flatMap({ KeyAlgorithm(rawValue: $0) }),
            let keyBytes = sign["key"]?.text.flatMap({ Base64.decode($0) }),
            let key = PublicKey(algorithm, bytes: keyBytes),
            let signature = sign["bytes"]?.text.flatMap({ Base64.decode($0) })
        else { return nil }
        (self.statement, self.key, self.signature) = (statement, key, signature)
    }

    package var json: JSON {
        [
            "statement": statement,
            "signature": [
                "algorithm": .string(key.algorithm.rawValue), "key": .string(Base64.encode(key.bytes)),
                "bytes": .string(Base64.encode(signature)),
            ],
        ]
    }

    /// Whether it holds for the data with this digest.
    package func standing(for data: Digest, _ checkers: SignatureCheckers) -> Standing {
        guard checkers.isValid(signature, for: statement.canonicalBytes, by: key) else { return .broken }
        return statement["data"]?.text == data.hex ? .valid : .otherData
    }
}

extension TableEngine {
    /// Names a source as a table in which every value is the text that stands there: what a standard is held against.
    package func attachTexts(_ source: TableSource, as name: String) async throws(Problem) {
        if case .csv(let files, var layout) = source {
            layout.columns = layout.columns.map { CSVColumn($0.name, .text) }
            return try await attach(.csv(files, layout), as: name)
        }
        let typed = name + "_typed"
        try await attach(source, as: typed)
        let columns = try await columns(of: .named(typed)).map(\.name.quotedIdentifier)
        let list = columns.map { "\($0)::VARCHAR AS \($0)" }.joined(separator: ", ")
        try await execute(
            "CREATE OR REPLACE VIEW \(name.quotedIdentifier) AS SELECT \(list) FROM \(typed.quotedIdentifier)"
        )
    }
}
