// SPDX-License-Identifier: Apache-2.0

private import Foundation
package import Primitives

/// The derived files in a folder of this machine, as any web server can serve them.
package struct LogFolder: LogStorage {
    package let root: String

    /// The folder need not exist yet.
    package init(_ root: String) {
        self.root = root
    }

    package func read(_ path: String) throws(Problem) -> [UInt8]? {
        let file = root + "/" + path
        var isFolder: ObjCBool = false
        // SAFETY: the call writes one Boolean that lives across it.
        guard unsafe FileManager.default.fileExists(atPath: file, isDirectory: &isFolder), !isFolder.boolValue
        else { return nil }
        do {
            return [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
        } catch {
            throw failed("read \(path): \(error)")
        }
    }

    package func write(_ bytes: [UInt8], to path: String, durably: Bool) throws(Problem) {
        do {
            let folder = try place(bytes, at: path, durably: durably)
            if durably { try Self.synchronize(folder) }
        } catch {
            throw failed("write \(path): \(error)")
        }
    }

    package func write(_ files: [TileBuilder.File]) throws(Problem) {
        var folders: Set<String> = []
        for file in files {
            do {
                folders.insert(try place(file.bytes, at: file.address.path, durably: true))
            } catch {
                throw failed("write \(file.address.path): \(error)")
            }
        }
        do {
            for folder in folders { try Self.synchronize(folder) }
        } catch {
            throw failed("\(error)")
        }
    }

    /// Writes a file as a whole and returns its folder, whose entry is not durable yet.
    private func place(_ bytes: [UInt8], at path: String, durably: Bool) throws -> String {
        let file = root + "/" + path
        let folder = String(file[..<(file.lastIndex(of: "/") ?? file.endIndex)])
        if !FileManager.default.fileExists(atPath: folder) {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
        try Self.replace(file, with: bytes, durably: durably)
        return folder
    }

    package func remove(_ path: String) throws(Problem) {
        let file = root + "/" + path
        guard FileManager.default.fileExists(atPath: file) else { return }
        do {
            try FileManager.default.removeItem(atPath: file)
        } catch {
            throw failed("remove \(path): \(error)")
        }
    }

    /// Writes beside the file and renames over it. Until the rename the old file stands; a left-over `.new`
    /// file is overwritten by the next write.
    private static func replace(_ file: String, with bytes: [UInt8], durably: Bool) throws {
        let beside = file + ".new"
        // SAFETY: the path is a string that the call copies.
        let descriptor = unsafe open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw POSIXFailure("open") }
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            // SAFETY: the view of the rest lives across the call, which reads its `count` bytes.
            let count = unsafe rest.withUnsafeBytes { view in
                unsafe Foundation.write(descriptor, view.baseAddress, view.count)
            }
            guard count > 0 else { throw POSIXFailure("write") }
            rest = rest.dropFirst(count)
        }
        // SAFETY: both paths are strings that the call copies.
        if durably { guard fdatasync(descriptor) == 0 else { throw POSIXFailure("fdatasync") } }
        guard unsafe rename(beside, file) == 0 else { throw POSIXFailure("rename") }
    }

    /// Makes a rename durable: the folder's own entry reaches the disk.
    private static func synchronize(_ folder: String) throws {
        // SAFETY: the path is a string that the call copies.
        let descriptor = unsafe open(folder, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw POSIXFailure("open") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw POSIXFailure("fsync") }
    }

    private func failed(_ what: String) -> Problem {
        Problem(.fault, "transparency.files-failed", operatorNote: what)
    }
}

/// A system call that failed, with its error number.
private struct POSIXFailure: Error, CustomStringConvertible {
    let description: String

    init(_ call: String) {
        description = "\(call): error \(errno)"
    }
}
