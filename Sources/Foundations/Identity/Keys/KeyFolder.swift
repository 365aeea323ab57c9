// SPDX-License-Identifier: Apache-2.0

private import Foundation
package import Primitives

/// A node's private keys on disk: `keys/node.pem`, `keys/log.pem`, each readable by its owner alone.
///
/// Trusted: whoever reads a key file can sign as the node, unless a passphrase protects it. Losing `node.pem`
/// costs a new invitation from the exchange; losing `log.pem` ends the log, which goes on under a new origin.
package struct KeyFolder: Sendable {
    package let path: String
    private let passphrase: Redacted<[UInt8]>?

    /// - Parameter passphrase: what `HUTONG_KEY_PASSPHRASE_FILE` holds, without its last line feed; `nil`
    ///   keeps keys unencrypted under the protection of the file's mode.
    package init(_ path: String, passphrase: Redacted<[UInt8]>? = nil) {
        self.path = path
        self.passphrase = passphrase
    }

    /// The key of this name, made at the first call.
    package func ed25519(_ name: String) throws(Problem) -> Ed25519Signer {
        if let signer = try storedEd25519(name) { return signer }
        let signer = Ed25519Signer()
        try store(PrivateKeyFile.wrap(seed: signer.seed), name)
        return signer
    }

    /// The key of this name, or `nil` where there is none.
    package func storedEd25519(_ name: String) throws(Problem) -> Ed25519Signer? {
        guard let key = try stored(name) else { return nil }
        guard let seed = PrivateKeyFile.seed(of: key), let signer = Ed25519Signer(seed: seed) else {
            throw Problem(.fault, "identity.key-unreadable", ["key": .text(name)])
        }
        return signer
    }

    /// A key's PKCS#8 bytes for the adapter that can use them; `nil` where there is none. A file that others
    /// may read is refused, as ssh does: it is a secret no longer.
    package func stored(_ name: String) throws(Problem) -> Redacted<[UInt8]>? {
        let file = file(name)
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: file) else { return nil }
        let mode = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
        guard mode & 0o077 == 0 else { throw Problem(.fault, "identity.key-exposed", ["key": .text(name)]) }
        guard let text = try? String(contentsOfFile: file, encoding: .utf8),
            let key = PrivateKeyFile.decode(text, passphrase: passphrase)
        else { throw Problem(.fault, "identity.key-unreadable", ["key": .text(name)]) }
        return key
    }

    /// Writes a new key's PKCS#8 bytes. Never replaces a file: a key that is gone cannot be brought back.
    package func store(_ key: Redacted<[UInt8]>, _ name: String) throws(Problem) {
        do {
            let text = try PrivateKeyFile.encode(key, passphrase: passphrase)
            if !FileManager.default.fileExists(atPath: path) {
                try FileManager.default.createDirectory(
                    atPath: path,
                    withIntermediateDirectories: true,
                    attributes: [.posixPermissions: 0o700]
                )
            }
            try Self.create(file(name), text)
        } catch {
            throw Problem(.fault, "identity.key-unwritten", ["key": .text(name)], operatorNote: "\(error)")
        }
    }

    private func file(_ name: String) -> String { path + "/" + name + ".pem" }

    private static func create(_ file: String, _ text: String) throws {
        // SAFETY: the path is a string that the call copies.
        let descriptor = unsafe open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CocoaError(.fileWriteFileExists) }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try handle.write(contentsOf: Data(text.utf8))
        try handle.synchronize()
    }
}

extension KeyFolder {
    /// The log's key under the log's name. The name is fixed when the key is made (`log.vkey` beside it) and
    /// does not follow a change of host or port: a log that changes its name is another log.
    package func logKey(firstOrigin: (PublicKey) -> String) throws(Problem) -> NoteSigner {
        try noteSigner("log", purpose: .ed25519, firstName: firstOrigin)
    }

    /// A witness's key under its name, fixed in the same way.
    package func witnessKey(firstName: @autoclosure () -> String) throws(Problem) -> NoteSigner {
        try noteSigner("witness", purpose: .cosignature) { _ in firstName() }
    }

    private func noteSigner(
        _ name: String,
        purpose: NoteKey.Purpose,
        firstName: (PublicKey) -> String
    ) throws(Problem) -> NoteSigner {
        let signer = try ed25519(name)
        let vkey = path + "/" + name + ".vkey"
        if let text = try? String(contentsOfFile: vkey, encoding: .utf8) {
            let key = NoteKey(text.trimmingCharacters(in: .whitespacesAndNewlines))
            guard let key, key.publicKey == signer.publicKey,
                let signer = NoteSigner(name: key.name, purpose: purpose, signer: signer), signer.key == key
            else { throw Problem(.fault, "identity.key-unreadable", ["key": .text(name + ".vkey")]) }
            return signer
        }
        let chosen = firstName(signer.publicKey)
        guard let signer = NoteSigner(name: chosen, purpose: purpose, signer: signer) else {
            throw Problem(.invalid, "identity.key-name-invalid", ["name": .text(chosen)])
        }
        do {
            try "\(signer.key)\n".write(toFile: vkey, atomically: true, encoding: .utf8)
        } catch {
            throw Problem(
                .fault,
                "identity.key-unwritten",
                ["key": .text(name + ".vkey")],
                operatorNote: "\(error)"
            )
        }
        return signer
    }
}
