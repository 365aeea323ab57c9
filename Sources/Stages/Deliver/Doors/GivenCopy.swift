// SPDX-License-Identifier: Apache-2.0

import Identity
import Primitives
import Register
import Trade
import Valve

/// What a holder gave in one passage as a copy, and what it says of it under its signature.
struct GivenCopy: Sendable {
    let passage: Passage
    let use: Use
    let file: DeliveredFile
    let rules: DeliveryRules
    let version: AssetVersion
    /// Under what the order of its rows is its mark.
    let label: String

    /// What its price counts, as it is charged.
    var counts: [UseUnit: Int64] {
        use.agreement.listing.price.billed(
            [.rows: file.rowCount, .bytes: file.byteCount], through: use.door)
    }

    /// The receipt's content: what was asked, what left, and the most that it may cost.
    func receipt(by holder: String, at now: Instant) -> JSON {
        [
            "type": .string(Passage.copyReceiptType), "passage": .string(passage.id.uuid),
            "agreement": .string(use.agreement.code.text), "holder": .string(holder),
            "asker": .string(use.asker.id.uuid), "question": .string(passage.request.hex),
            "version": .string(version.digest.hex), "file": .string(file.digest.hex),
            "bytes": .integer(file.byteCount), "rows": .integer(file.rowCount),
            "price": .string(passage.price.description), "counts": UseUnit.json(counts),
            "at": .integer(now.microseconds),
        ]
    }

    /// What the record of the passage keeps: enough to give the same file again, and to trace it.
    func document(_ receipt: JSON, signature: [UInt8], meter: Digest) -> JSON {
        var document: [String: JSON] = [
            "file": file.json, "mark": .string(label), "version": .string(version.digest.hex),
            "rules": .string(rules.digest.hex),
            "fields": .array((rules.columns ?? []).map(JSON.string)),
            "people": .array(rules.consent.flatMap { rules.rows[$0] }?.map(JSON.string) ?? []),
            "receipt": ["content": receipt, "signature": .string(Base64.encode(signature))],
            "receiptDigest": .string(Digest(of: receipt.canonicalBytes).hex), "meter": .string(meter.hex),
        ]
        document["consents"] = passage.document["consents"]
        return .object(document)
    }
}
