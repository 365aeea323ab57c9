// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import PSI
import Primitives

/// `hutong psi prepare`: the part of an rr22 match that needs no keys, done ahead with one peer.
struct PSIPrepareVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "prepare", abstract: "Do ahead what an rr22 match needs before its keys. 预先完成求交的准备阶段。",
        discussion: """
            Both sides run it with the same --items, the most that the listening side will bring to the match, and each
            gets a file for itself: as secret as a key, good for one match with this peer, gone once it is used.
              hutong psi prepare --listen 127.0.0.1:7000 --items 1000000 --out ours.ahead
              hutong psi prepare --connect 127.0.0.1:7000 --items 1000000 --out theirs.ahead
              hutong psi party --listen 127.0.0.1:7000 --protocol rr22 --prepared ours.ahead --in ours.csv --key id
            """)
    @Option(help: "Address to listen on, host:port; this side will receive.") var listen: String?
    @Option(help: "Address to connect to, host:port; this side will answer.") var connect: String?
    @Option(help: "The most keys the listening side will bring.") var items: Int
    @Option(help: "The file to make.") var out: String
    @Option(help: "Seconds to wait for the peer's next message.") var deadline = 120
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (listen == nil) != (connect == nil) else {
            throw ValidationError("Give either --listen or --connect.")
        }
        guard (1...PSIPlan.itemCountMax).contains(items) else {
            throw ValidationError("--items is 1…\(PSIPlan.itemCountMax).")
        }
    }

    func run(_ console: Console) async throws {
        let begun = ContinuousClock.now
        do {
            let link =
                try listen.map { try SocketLink.listening(on: $0, deadlineSeconds: deadline) }
                ?? SocketLink.connected(to: connect ?? "", deadlineSeconds: deadline)
            defer { link.close() }
            let party = PSIParty(try PSIPlan.preparation(items: items), link)
            var random = SystemRandomNumberGenerator()
            let half =
                listen != nil
                ? PreparedFile.Half.receiver(try await party.prepareReceiver(using: &random))
                : .sender(try await party.prepareSender(using: &random))
            let file = try PreparedFile(writing: half, to: out)
            let answer: JSON = [
                "prepared": .string(file.name.hex), "items": .integer(Int64(items)), "file": .string(out),
                "seconds": .number(begun.duration(to: .now) / .seconds(1)),
                "cpu_seconds": .number(ResourceUse.now.cpuSeconds),
            ]
            console.answer(answer, text: answer.prettyText)
        } catch let failure as PSIFailure {
            throw Problem(.unavailable, "psi.run-ended", ["reason": .text("\(failure)"), "file": .text(out)])
        }
    }
}

/// A file with one side's half of a correlation made ahead. Whoever removes it may use what it held.
struct PreparedFile: Sendable {
    enum Half: Sendable {
        case receiver(PreparedReceiver)
        case sender(PreparedSender)
    }

    let half: Half
    private let path: String

    var name: Digest {
        switch half {
        case .receiver(let half): half.name
        case .sender(let half): half.name
        }
    }

    /// Reads a side's half; `psi.prepared-missing` where there is none.
    init(opening path: String, isReceiver: Bool) throws(Problem) {
        let bytes = FileManager.default.contents(atPath: path).map { [UInt8]($0) } ?? []
        let half =
            isReceiver
            ? PreparedReceiver(secretBytes: bytes).map(Half.receiver)
            : PreparedSender(secretBytes: bytes).map(Half.sender)
        guard let half else { throw Problem(.missing, "psi.prepared-missing", ["file": .text(path)]) }
        (self.half, self.path) = (half, path)
    }

    /// Writes a half for its owner's eyes alone; never over a file that is there.
    init(writing half: Half, to path: String) throws(Problem) {
        let bytes =
            switch half {
            case .receiver(let half): half.secretBytes
            case .sender(let half): half.secretBytes
            }
        // SAFETY: the path lives while the call reads it.
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Problem(.invalid, "app.file-unreadable", ["file": .text(path)]) }
        let handle = FileHandle(fileDescriptor: file, closeOnDealloc: true)
        do {
            try handle.write(contentsOf: Data(bytes))
            try handle.synchronize()
        } catch {
            throw Problem(.fault, "app.file-unreadable", ["file": .text(path)], operatorNote: "\(error)")
        }
        (self.half, self.path) = (half, path)
    }

    /// Uses the half up: the file is gone, durably, before this returns. Of several that try, one succeeds.
    func claim() throws(PSIFailure) {
        let folder = (path as NSString).deletingLastPathComponent
        // SAFETY: the paths live while the calls read them.
        guard unsafe unlink(path) == 0 else { throw .alreadyUsed }
        let directory = unsafe open(folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw .alreadyUsed }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw .alreadyUsed }
    }
}
