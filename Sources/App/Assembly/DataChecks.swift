// SPDX-License-Identifier: Apache-2.0

private import Compute
private import Foundation
private import Ledger
private import Metering
import Primitives
import Store
package import Transparency

/// What other rooms check about their rows and files, for `fsck` and `verify`.
package enum DataChecks {
    /// - Parameter folder: the node's data folder.
    package static func all(_ folder: String) -> [any DataCheck] {
        [
            BooksCheck(), MeterCheck(), EvidenceCheck(), StampCheck(),
            ObjectsCheck(folder: folder + "/objects"),
        ]
    }
}

/// Balances follow from transfers, debits equal credits.
private struct BooksCheck: DataCheck {
    let name = "ledger"

    func findings(in reading: any SQLReading) throws(Problem) -> [Finding] {
        try Books.faults(in: reading).map { Finding("ledger", LocalizedText($0)) }
    }
}

/// Grants are used as often as was reserved; events are numbered without a gap and fit their meter.
private struct MeterCheck: DataCheck {
    let name = "meter"

    func findings(in reading: any SQLReading) throws(Problem) -> [Finding] {
        try MeteringAudit.faults(in: reading).map { Finding($0.place, $0.what) }
    }
}

/// Passages, agreements and registrations say what their leaves, signatures and payments say.
private struct EvidenceCheck: DataCheck {
    let name = "evidence"

    func findings(in reading: any SQLReading) throws(Problem) -> [Finding] {
        try EvidenceAudit.faults(in: reading).map { Finding($0.place, $0.what) }
    }
}

/// Each stored version of an asset is the file whose digest was registered.
private struct ObjectsCheck: DataCheck {
    let name = "objects"
    let folder: String

    func findings(in reading: any SQLReading) throws(Problem) -> [Finding] {
        let versions = try reading.all("SELECT path, digest FROM register_version ORDER BY id") {
            row throws(Problem) in (path: try row.text(0), digest: try row.digest(1))
        }
        return versions.compactMap { version in
            let place = "objects/\(version.path)"
            let file = URL(fileURLWithPath: folder + "/" + version.path)
            // Mapped, not read: an object may be larger than the memory.
            guard let bytes = try? Data(contentsOf: file, options: .alwaysMapped) else {
                return Finding(place, .init(zh: "缺失", en: "is missing"))
            }
            guard Digest(of: bytes) != version.digest else { return nil }
            return Finding(place, .init(zh: "与登记的摘要不符", en: "is not the file that was registered"))
        }
    }
}
