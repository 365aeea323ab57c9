// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Primitives

/// A minimal HTTP/1.1 server on a free local port, so that real clients can be run against functions under test.
/// One connection a request; no keep-alive.
final class LocalServer: Sendable {
    struct Request: Sendable {
        let method: String
        let path: String
        let query: [(String, String)]
        let headers: [String: String]
        let body: [UInt8]

        func query(_ name: String) -> String? { query.first { $0.0 == name }?.1 }
        var queryMap: [String: String] { Dictionary(query) { first, _ in first } }
    }

    struct Reply: Sendable {
        var status = 200
        var headers: [(String, String)] = []
        var body: [UInt8] = []
        /// The connection ends without a word, as when a network breaks.
        var isLost = false
        /// The connection ends after so many bytes of the body, though more were announced.
        var cutAfter: Int?
    }

    let port: UInt16
    private let socket: Int32

    init(_ handle: @escaping @Sendable (Request) async -> Reply) throws {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        // SAFETY: the pointers live for the two calls alone, and `length` is the size of what they point to.
        let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(socket, $0, length) == 0 && listen(socket, 64) == 0
                    && getsockname(socket, $0, &length) == 0
            }
        }
        guard isBound else { throw POSIXError(.EADDRINUSE) }
        self.socket = socket
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread {
            while true {
                let connection = accept(socket, nil, nil)
                guard connection >= 0 else { return }
                // Reading waits for the client, so it has a thread of its own; the pool's few must stay free.
                Thread.detachNewThread {
                    let file = FileHandle(fileDescriptor: connection, closeOnDealloc: true)
                    guard let request = Self.read(file) else { return }
                    Task { await Self.write(handle(request), to: file, withBody: request.method != "HEAD") }
                }
            }
        }
    }

    var url: String { "http://127.0.0.1:\(port)" }

    func stop() {
        shutdown(socket, Int32(SHUT_RDWR))
        close(socket)
    }

    private static func write(_ answer: Reply, to file: FileHandle, withBody: Bool) {
        if answer.isLost {
            try? file.close()
            return
        }
        var text = "HTTP/1.1 \(answer.status) X\r\n"
        for (name, value) in answer.headers + [
            ("Content-Length", String(answer.body.count)), ("Connection", "close"),
        ] {
            text += "\(name): \(value)\r\n"
        }
        try? file.write(
            contentsOf: Data((text + "\r\n").utf8)
                + Data(withBody ? answer.body.prefix(answer.cutAfter ?? Int.max) : []))
        try? file.close()
    }

    private static func read(_ file: FileHandle) -> Request? {
        var data = Data()
        while data.range(of: Data("\r\n\r\n".utf8)) == nil {
            let more = file.availableData
            if more.isEmpty { return nil }
            data += more
        }
        guard let end = data.range(of: Data("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: data[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
        }
        var body = Data(data[end.upperBound...])
        let length = headers["content-length"].flatMap { Int($0) } ?? 0
        while body.count < length {
            let more = file.availableData
            if more.isEmpty { return nil }
            body += more
        }
        let first = lines[0].split(separator: " ")
        guard first.count >= 2, let components = URLComponents(string: String(first[1])) else { return nil }
        return Request(
            method: String(first[0]), path: components.path,
            query: (components.queryItems ?? []).map {
                ($0.name, ($0.value ?? "").replacing("+", with: " "))
            },
            headers: headers, body: Array(body))
    }
}

/// Python with the real clients, where there is one: what `Scripts/setup-peers` made, or what `HUTONG_PYTHON` names.
enum Python {
    static let interpreter: String? = {
        if let named = ProcessInfo.processInfo.environment["HUTONG_PYTHON"] { return named }
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let python = root.appending(path: ".build/peers/bin/python3").path(percentEncoded: false)
        return FileManager.default.isExecutableFile(atPath: python) ? python : nil
    }()

    /// Runs a command of the environment; answers its exit status and what it printed on both streams.
    static func run(_ tool: String, _ arguments: [String], folder: URL) async throws -> (Int32, String) {
        let bin = URL(fileURLWithPath: interpreter ?? "/usr/bin/python3").deletingLastPathComponent()
        let process = Process()
        process.executableURL = bin.appendingPathComponent(tool)
        process.arguments = arguments
        process.currentDirectoryURL = folder
        var environment = ProcessInfo.processInfo.environment
        environment["PATH"] = bin.path + ":" + (environment["PATH"] ?? "")
        process.environment = environment
        let output = folder.appendingPathComponent("output-\(Int.random(in: 0..<1_000_000_000)).txt")
        try Data().write(to: output)
        let handle = try FileHandle(forWritingTo: output)
        process.standardOutput = handle
        process.standardError = handle
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in continuation.resume() }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        return (process.terminationStatus, try String(contentsOf: output, encoding: .utf8))
    }

    static func temporaryFolder() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "hutong-clients-\(Int.random(in: 0..<1_000_000_000))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }
}
