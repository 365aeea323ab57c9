// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The files of this repository, as the house rules read them.
enum Checkout {
    /// The repository's root: three folders above this file.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// One text file: its path from the root, and what it says.
    struct File: Sendable {
        let path: String
        let text: String

        var name: String { path.split(separator: "/").last.map(String.init) ?? path }
        var folder: String { path.split(separator: "/").dropLast().joined(separator: "/") }
    }

    /// Every file below `folder` that ends in one of `endings`, in the order of their paths. Folders whose name
    /// begins with a dot are build folders or the version control's.
    static func files(under folder: String, endings: [String]) -> [File] {
        let start = folder.isEmpty ? root : root.appending(path: folder)
        let everything = FileManager.default.enumerator(
            at: start,
            includingPropertiesForKeys: nil,
            options: [.skipsHiddenFiles]
        )
        var files: [File] = []
        while let url = everything?.nextObject() as? URL {
            guard endings.contains(url.pathExtension),
                let text = try? String(contentsOf: url, encoding: .utf8)
            else { continue }
            files.append(File(path: path(of: url), text: text))
        }
        return files.sorted { $0.path < $1.path }
    }

    static func text(_ path: String) -> String {
        (try? String(contentsOf: root.appending(path: path), encoding: .utf8)) ?? ""
    }

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appending(path: path).path)
    }

    /// The Swift files of the house: all that we write ourselves.
    static let swiftFiles =
        (files(under: "Sources", endings: ["swift"]) + files(under: "Tests", endings: ["swift"]))
        .map { SwiftSource(path: $0.path, text: $0.text) }

    private static func path(of url: URL) -> String {
        let rootParts = root.standardizedFileURL.pathComponents
        return url.standardizedFileURL.pathComponents.dropFirst(rootParts.count).joined(separator: "/")
    }
}
