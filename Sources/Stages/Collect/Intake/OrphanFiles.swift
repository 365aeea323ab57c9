// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import Primitives

/// What a crash between a file and the commit that names it leaves in a folder of version files.
package struct OrphanFiles: Sendable {
    private let folder: String

    package init(folder: String) {
        self.folder = folder
    }

    /// Removes drafts, decoded copies, and content files that nobody names; says how many. Quarantine files stay: they
    /// are what a sender asks for. Only files of our own making are touched.
    package func remove(exceptContents named: Set<String>) -> Int {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return files.count { file in
            guard Self.isOrphan(file, named) else { return false }
            return (try? FileManager.default.removeItem(atPath: folder + "/" + file)) != nil
        }
    }

    /// Removes uploads nobody took in within a day; says how many.
    package func removeUploads(olderThan age: Duration, at now: Instant) -> Int {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return files.count { file in
            let path = folder + "/" + file
            let attributes = try? FileManager.default.attributesOfItem(atPath: path)
            guard let changed = attributes?[.modificationDate] as? Date,
                Double(now.microseconds) / 1e6 - changed.timeIntervalSince1970
                    > Double(age.components.seconds)
            else { return false }
            return (try? FileManager.default.removeItem(atPath: path)) != nil
        }
    }

    private static func isOrphan(_ file: String, _ named: Set<String>) -> Bool {
        if file.hasSuffix(".draft.parquet") || file.hasSuffix(".part") || file.hasSuffix(".decoded") {
            return true
        }
        if file.hasPrefix("readings-") { return true }
        guard file.hasSuffix(".parquet") else { return false }
        let name = file.dropLast(8)
        // A content file is named by 64 hexadecimal digits.
        return name.count == 64 && name.allSatisfy(\.isHexDigit) && !named.contains(String(name))
    }
}
