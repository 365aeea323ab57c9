// SPDX-License-Identifier: Apache-2.0

import Foundation
import PSI
import Primitives
import Synchronization

/// A `PSILink` over one TCP connection, for the `psi` verbs: 4-byte length, then the message.
///
/// Owns the socket and two threads, so that no blocking call ever holds a thread of the cooperative pool.
final class SocketLink: PSILink {
    /// Bytes waiting to be written before `send` waits, and read before reading pauses: a slow peer slows us.
    private static let waitingBytesMax = 8 << 20
    private static let messageBytesMax = PSIChannel.frameBytesMax

    private let socket: Int32
    private let outgoing = Conduit()
    private let incoming = Conduit()

    private init(_ socket: Int32, deadlineSeconds: Int) {
        self.socket = socket
        var time = timeval(tv_sec: deadlineSeconds, tv_usec: 0)
        var yes: Int32 = 1
        // SAFETY: the kernel copies the options before the calls return.
        unsafe setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        unsafe setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        unsafe setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
        Thread.detachNewThread { self.writeAll() }
        Thread.detachNewThread { self.readAll() }
    }

    func send(_ message: [UInt8]) async throws(PSIFailure) {
        let length = (0..<4).map { UInt8(truncatingIfNeeded: message.count >> (8 * $0)) }
        try await outgoing.push(length + message, Self.waitingBytesMax)
    }

    func receive() async throws(PSIFailure) -> [UInt8] { try await incoming.pop() }

    /// Both sides say a number before there is a plan; returns the peer's.
    func exchange(_ mine: Int) async throws(PSIFailure) -> Int {
        try await send((0..<8).map { UInt8(truncatingIfNeeded: mine >> (8 * $0)) })
        let bytes = try await receive()
        guard bytes.count == 8 else { throw .malformed }
        return bytes.indices.reduce(0) { $0 | Int(bytes[$1]) << (8 * $1) }
    }

    /// Waits until everything is written, then ends the connection.
    func close() {
        outgoing.finish(.closed)
        outgoing.waitUntilEmpty()
        shutdown(socket, Int32(SHUT_RDWR))
    }

    private func writeAll() {
        while let message = outgoing.popBlocking() {
            var start = 0
            while start < message.count {
                // SAFETY: the bytes from start to the end of the array are valid during the call.
                let written = unsafe message.withUnsafeBytes { bytes in
                    unsafe Foundation.send(
                        socket, bytes.baseAddress.map { unsafe $0 + start }, message.count - start,
                        Int32(MSG_NOSIGNAL))
                }
                guard written > 0 else { return outgoing.abandon(.closed) }
                start += written
            }
        }
        outgoing.abandon(.closed)
    }

    private func readAll() {
        while true {
            guard let head = read(4) else { return }
            let length = head.reversed().reduce(0) { $0 << 8 | Int($1) }
            guard length <= Self.messageBytesMax else { return incoming.finish(.malformed) }
            guard let message = read(length) else { return }
            guard incoming.pushBlocking(message, Self.waitingBytesMax) else { return }
        }
    }

    private func read(_ count: Int) -> [UInt8]? {
        var failure = PSIFailure.closed
        // SAFETY: the buffer is ours, `count` bytes long, and counted as filled only as far as it was written.
        let message = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                // SAFETY: at most count - filled bytes are written behind the filled part.
                let got = unsafe recv(
                    socket, buffer.baseAddress.map { unsafe $0 + filled }, count - filled, 0)
                if got <= 0 {
                    failure = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? .timedOut : .closed
                    return
                }
                filled += got
            }
        }
        guard message.count == count else {
            incoming.finish(failure)
            return nil
        }
        return message
    }
}

extension SocketLink {
    static func listening(on address: String, deadlineSeconds: Int) throws -> SocketLink {
        let (descriptor, target) = try open(address)
        var yes: Int32 = 1
        // SAFETY: the kernel copies option and address before the calls return.
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard unsafe withSocketAddress(target, { unsafe bind(descriptor, $0, $1) }) == 0,
            Foundation.listen(descriptor, 1) == 0
        else {
            throw Problem(.unavailable, "psi.address-unavailable", ["address": .text(address)])
        }
        let peer = accept(descriptor, nil, nil)
        Foundation.close(descriptor)
        guard peer >= 0 else {
            throw Problem(.unavailable, "psi.address-unavailable", ["address": .text(address)])
        }
        return SocketLink(peer, deadlineSeconds: deadlineSeconds)
    }

    /// Tries for as long as the deadline: the listening side may still be reading its file.
    static func connected(to address: String, deadlineSeconds: Int) throws -> SocketLink {
        for _ in 0..<max(1, deadlineSeconds * 200) {
            let (descriptor, target) = try open(address)
            // SAFETY: the kernel reads the address while the closure runs.
            if unsafe withSocketAddress(target, { unsafe connect(descriptor, $0, $1) }) == 0 {
                return SocketLink(descriptor, deadlineSeconds: deadlineSeconds)
            }
            Foundation.close(descriptor)
            usleep(5_000)
        }
        throw Problem(.unavailable, "psi.address-unavailable", ["address": .text(address)])
    }

    /// A port that nobody has, below those that systems lend to outgoing connections (RFC 6335 §6, and Linux from 32768
    /// on): nobody else is given it before its node takes it, or while its node is down. A process goes up from a place of its
    /// own, so that none is given twice, nor to two demonstrations that begin together.
    static func freePort() throws -> Int {
        for _ in 0..<100 {
            let given = portsGiven.withLock { given in
                given += 1
                return given
            }
            let port = 20_000 + (64 * Int(getpid()) + given) % 12_768
            let (descriptor, target) = try open("127.0.0.1:\(port)")
            defer { Foundation.close(descriptor) }
            // SAFETY: the kernel reads the address while the closure runs.
            if unsafe withSocketAddress(target, { unsafe bind(descriptor, $0, $1) }) == 0 { return port }
        }
        throw Problem(.unavailable, "psi.address-unavailable", ["address": .text("127.0.0.1")])
    }

    private static let portsGiven = Mutex(0)

    private static func open(_ address: String) throws -> (Int32, sockaddr_in) {
        let parts = address.split(separator: ":")
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        let descriptor = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        // SAFETY: inet_pton writes one in_addr.
        guard parts.count == 2, let port = UInt16(parts[1]), descriptor >= 0,
            unsafe inet_pton(AF_INET, String(parts[0]), &target.sin_addr) == 1
        else { throw Problem(.invalid, "psi.address-unavailable", ["address": .text(address)]) }
        target.sin_port = port.bigEndian
        return (descriptor, target)
    }

    private static func withSocketAddress(
        _ address: sockaddr_in, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        // SAFETY: a sockaddr_in is the AF_INET form of a sockaddr, and its size travels along.
        unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe body(address, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}

/// Messages between one thread and one task.
///
/// Owns the waiting messages; one side waits on the condition, the other on a continuation.
private final class Conduit: Sendable {
    private struct State {
        var messages: [[UInt8]] = []
        var byteCount = 0
        var ended: PSIFailure?
        var waiting: CheckedContinuation<Void, Never>?
    }
    private let state = Mutex(State())
    private let turn = DispatchSemaphore(value: 0)

    func push(_ message: [UInt8], _ bytesMax: Int) async throws(PSIFailure) {
        try await wait { $0.byteCount < bytesMax }
        try add(message)
    }

    func pop() async throws(PSIFailure) -> [UInt8] {
        try await wait { !$0.messages.isEmpty }
        let message = take()
        turn.signal()
        guard let message else { throw .closed }
        return message
    }

    func popBlocking() -> [UInt8]? {
        while true {
            if let message = take() {
                wake()
                return message
            }
            if state.withLock({ $0.ended != nil }) { return nil }
            turn.wait()
        }
    }

    func pushBlocking(_ message: [UInt8], _ bytesMax: Int) -> Bool {
        while state.withLock({ $0.byteCount >= bytesMax && $0.ended == nil }) { turn.wait() }
        state.withLock { state in
            state.messages.append(message)
            state.byteCount += message.count
        }
        wake()
        return state.withLock { $0.ended == nil }
    }

    /// No more messages come; those waiting are still delivered.
    func finish(_ failure: PSIFailure) {
        state.withLock { $0.ended = $0.ended ?? failure }
        turn.signal()
        wake()
    }

    /// As `finish`, and those waiting are dropped.
    func abandon(_ failure: PSIFailure) {
        state.withLock { state in
            state.messages = []
            state.byteCount = 0
        }
        finish(failure)
    }

    func waitUntilEmpty() {
        while state.withLock({ !$0.messages.isEmpty || $0.byteCount > 0 }) { usleep(200) }
    }

    private func add(_ message: [UInt8]) throws(PSIFailure) {
        let ended = state.withLock { state -> PSIFailure? in
            guard state.ended == nil else { return state.ended }
            state.messages.append(message)
            state.byteCount += message.count
            return nil
        }
        if let ended { throw ended }
        turn.signal()
    }

    private func take() -> [UInt8]? {
        state.withLock { state in
            guard !state.messages.isEmpty else { return nil }
            let message = state.messages.removeFirst()
            state.byteCount -= message.count
            return message
        }
    }

    private func wait(until isReady: @Sendable (borrowing State) -> Bool) async throws(PSIFailure) {
        await withCheckedContinuation { continuation in
            let ready = state.withLock { state in
                if isReady(state) || state.ended != nil { return true }
                state.waiting = continuation
                return false
            }
            if ready { continuation.resume() }
        }
        if let ended = state.withLock({ isReady($0) ? nil : $0.ended }) { throw ended }
    }

    private func wake() {
        let waiting = state.withLock { state in
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume()
    }
}
