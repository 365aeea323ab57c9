// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A relay in front of a node that writes down every byte between the processes, both ways, so that anybody can
/// look for raw rows in it. Plain TCP on loopback; one thread a direction.
final class WireTap: Sendable {
    let port: Int
    private let listener: Int32
    private let target: Int
    private let record: String

    /// Listens on a free port and relays to `target`; bytes are appended to the file `record`.
    init?(target: Int, record: String) {
        guard let (socket, port) = Self.listeningSocket() else { return nil }
        listener = socket
        self.port = port
        self.target = target
        self.record = record
        if !FileManager.default.fileExists(atPath: record) {
            _ = FileManager.default.createFile(atPath: record, contents: nil)
        }
        Thread.detachNewThread { self.accept() }
    }

    private static func listeningSocket() -> (Int32, Int)? {
        let socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { return nil }
        var address = loopback(port: 0)
        // SAFETY: the kernel reads the address while the closure runs.
        guard unsafe withSocketAddress(&address, { unsafe bind(socket, $0, $1) }) == 0,
            listen(socket, 128) == 0
        else {
            _ = Foundation.close(socket)
            return nil
        }
        var bound = loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        // SAFETY: the structure is ours and as long as we say.
        _ = unsafe withUnsafeMutablePointer(to: &bound) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(socket, $0, &length)
            }
        }
        return (socket, Int(UInt16(bigEndian: bound.sin_port)))
    }

    private func accept() {
        while true {
            let client = Foundation.accept(listener, nil, nil)
            guard client >= 0 else { return }
            let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = Self.loopback(port: target)
            // SAFETY: the address lives through the call, which copies it.
            guard unsafe Self.withSocketAddress(&address, { unsafe connect(server, $0, $1) }) == 0 else {
                _ = Foundation.close(client)
                _ = Foundation.close(server)
                continue
            }
            Thread.detachNewThread { self.pump(from: client, to: server) }
            Thread.detachNewThread { self.pump(from: server, to: client) }
        }
    }

    private func pump(from source: Int32, to sink: Int32) {
        let file = FileHandle(forWritingAtPath: record)
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            // SAFETY: the buffer is as long as we say.
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe recv(source, $0.baseAddress, $0.count, 0)
            }
            guard count > 0 else { break }
            _ = try? file?.seekToEnd()
            file?.write(Data(buffer[0..<count]))
            var sent = 0
            while sent < count {
                // SAFETY: the slice lies within the buffer.
                let part = unsafe buffer.withUnsafeBytes {
                    unsafe send(sink, $0.baseAddress?.advanced(by: sent), count - sent, Int32(MSG_NOSIGNAL))
                }
                guard part > 0 else { break }
                sent += part
            }
        }
        shutdown(sink, Int32(SHUT_WR))
    }

    private static func loopback(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr = in_addr(s_addr: UInt32(0x7f00_0001).bigEndian)
        return address
    }

    private static func withSocketAddress(
        _ address: inout sockaddr_in, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        // SAFETY: a sockaddr_in is read as the sockaddr it begins with.
        unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
