// SPDX-License-Identifier: Apache-2.0

private import Foundation
private import Glibc
private import Synchronization

/// One HTTP/1.1 exchange with a server on this machine, over a plain socket.
///
/// Foundation's URLSession refuses the header lines of Debian's chromedriver ("Failed writing header"), and a test
/// that reads what crosses a wire wants the bytes as they are anyway.
package enum LoopbackHTTP {
    package struct Reply: Sendable {
        package let status: Int
        /// Header names in lower case; of a repeated name the last.
        package let headers: [String: String]
        package let body: [UInt8]

        package var text: String { String(decoding: body, as: UTF8.self) }
    }

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// Asks and waits for the end of the reply; the connection is closed afterwards.
    package static func ask(
        _ method: String,
        _ path: String,
        port: Int,
        headers: [String: String] = [:],
        body: [UInt8] = []
    ) async throws -> Reply {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n"
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) { head += "\(name): \(value)\r\n" }
        if !body.isEmpty || method == "POST" { head += "Content-Length: \(body.count)\r\n" }
        let message = Array((head + "\r\n").utf8) + body
        return try reply(from: await OwnThread.run { try exchange(message, port: port) })
    }

    /// A port that nobody has, for a node whose address must be known before it serves. It is none of those that the
    /// system lends to outgoing connections (from 32768 on): no other test is given it before the node takes it.
    package static func freePort() throws -> Int {
        for _ in 0..<100 {
            let given = portsGiven.withLock { given in
                given += 1
                return given
            }
            let port = 20_000 + (64 * Int(getpid()) + given) % 12_768
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            guard descriptor >= 0 else { throw Failure(description: "no socket") }
            defer { close(descriptor) }
            // SAFETY: `bind` reads the address during the call alone, as many bytes as it is told.
            if unsafe onLoopback(port, { unsafe bind(descriptor, $0, $1) }) == 0 { return port }
        }
        throw Failure(description: "no free port")
    }

    /// A process goes up from a place of its own: no port is given twice, nor to two processes.
    private static let portsGiven = Mutex(0)

    /// Gives `bind` or `connect` the address of `port` on this machine; their answer, 0 when it was done.
    private static func onLoopback(
        _ port: Int,
        _ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
        // SAFETY: the pointer is to a local sockaddr_in and is used only during the call, with its own size.
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe call($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    private static func exchange(_ message: [UInt8], port: Int) throws -> [UInt8] {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(description: "no socket") }
        defer { close(descriptor) }
        var limit = timeval(tv_sec: 300, tv_usec: 0)  // A silent server fails the test alone.
        // SAFETY: the pointer is to a local timeval, read during the call, with its own size.
        _ = unsafe setsockopt(
            descriptor,
            SOL_SOCKET,
            SO_RCVTIMEO,
            &limit,
            socklen_t(MemoryLayout<timeval>.size)
        )
        // SAFETY: `connect` reads the address during the call alone, as many bytes as it is told.
        let connected = unsafe onLoopback(port) { unsafe connect(descriptor, $0, $1) }
        guard connected == 0 else { throw Failure(description: "nothing listens on port \(port)") }
        var sent = 0
        while sent < message.count {
            let part = message[sent...]
            // SAFETY: the buffer lives during the call and holds as many bytes as its count says.
            let count = unsafe part.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw Failure(description: "the server stopped listening") }
            sent += count
        }
        return readToEnd(of: descriptor)
    }

    /// Reads a whole reply: to the end of the connection, or as far as its own length says, because not every
    /// server closes when it is asked to.
    private static func readToEnd(of descriptor: Int32) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            // SAFETY: the buffer lives during the call and has room for the bytes asked for.
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe read(descriptor, $0.baseAddress, $0.count)
            }
            guard count > 0 else { return bytes }
            bytes += buffer[..<count]
            if let length = wholeLength(of: bytes), bytes.count >= length { return bytes }
        }
    }

    private static func wholeLength(of bytes: [UInt8]) -> Int? {
        guard let end = headEnd(in: bytes) else { return nil }
        let lines = String(decoding: bytes[..<end], as: UTF8.self).lowercased().split(separator: "\r\n")
        let length = lines.first { $0.hasPrefix("content-length:") }?.drop { !$0.isNumber }
        return length.flatMap { Int($0) }.map { end + 4 + $0 }
    }

    private static func headEnd(in bytes: [UInt8]) -> Int? {
        bytes.firstRange(of: Array("\r\n\r\n".utf8))?.lowerBound
    }

    private static func reply(from bytes: [UInt8]) throws -> Reply {
        guard let end = headEnd(in: bytes) else { throw Failure(description: "no HTTP reply") }
        let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count >= 2, let status = Int(words[1]) else {
            throw Failure(description: "no HTTP status")
        }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
        }
        var body = Array(bytes[(end + 4)...])
        if headers["transfer-encoding"]?.lowercased() == "chunked" { body = unchunked(body) }
        return Reply(status: status, headers: headers, body: body)
    }

    /// RFC 9112 §7.1.
    private static func unchunked(_ bytes: [UInt8]) -> [UInt8] {
        var body: [UInt8] = []
        var rest = bytes[...]
        while let end = rest.firstRange(of: Array("\r\n".utf8)) {
            let size = Int(String(decoding: rest[..<end.lowerBound], as: UTF8.self), radix: 16) ?? 0
            guard size > 0 else { break }
            body += rest[end.upperBound...].prefix(size)
            rest = rest[end.upperBound...].dropFirst(size + 2)
        }
        return body
    }
}
