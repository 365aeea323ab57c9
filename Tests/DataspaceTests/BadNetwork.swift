// SPDX-License-Identifier: Apache-2.0

import Foundation
import FoundationNetworking
import Primitives
import Synchronization

/// A network between others and one node: it loses, repeats and delays requests and replies as its seed says, or lets
/// through only as many as it was told.
final class BadNetwork: Sendable {
    enum Mode: Sendable {
        case good
        /// So many percent of the messages meet each kind of trouble.
        case bad(Int)
        /// So many messages more, then none.
        case gate(Int)
    }

    fileprivate struct State {
        var mode = Mode.good
        var random: SeededRandom
        var target = ""
        var passed = 0
        /// The next so many data replies end after so many bytes.
        var cuts = 0
        var cutAfter = 0
        var troubles = 0
    }

    fileprivate enum Fate { case passes, requestLost, replyLost, repeated, delayed }

    private let state: SharedState
    let server: LocalServer

    init(seed: UInt64) throws {
        let state = SharedState(State(random: SeededRandom(seed: seed)))
        self.state = state
        server = try LocalServer { request in await Self.carry(request, state) }
    }

    var url: String { server.url }
    var passed: Int { state.value.withLock { $0.passed } }
    var troubles: Int { state.value.withLock { $0.troubles } }

    func point(to url: String) { state.value.withLock { $0.target = url } }
    func cutData(after bytes: Int, times: Int) {
        state.value.withLock { ($0.cutAfter, $0.cuts) = (bytes, times) }
    }

    func set(_ mode: Mode) { state.value.withLock { $0.mode = mode } }

    private final class SharedState: Sendable {
        let value: Mutex<State>
        init(_ state: sending State) { value = Mutex(state) }
    }

    private static func carry(_ request: LocalServer.Request, _ state: SharedState) async -> LocalServer.Reply
    {
        let (fate, target) = state.value.withLock { ($0.decide(about: request.path), $0.target) }
        switch fate {
        case .passes:
            var reply = await forward(request, to: target)
            reply.cutAfter = state.value.withLock { $0.cut(request.path) }
            return reply
        case .requestLost: return .init(isLost: true)
        case .replyLost:
            _ = await forward(request, to: target)
            return .init(isLost: true)
        case .repeated:
            _ = await forward(request, to: target)
            return await forward(request, to: target)
        case .delayed:
            try? await Task.sleep(for: .milliseconds(400))
            return await forward(request, to: target)
        }
    }

    private static func forward(_ request: LocalServer.Request, to target: String) async -> LocalServer.Reply
    {
        guard var components = URLComponents(string: target) else { return .init(isLost: true) }
        components.path = request.path
        if !request.query.isEmpty {
            components.queryItems = request.query.map { URLQueryItem(name: $0.0, value: $0.1) }
        }
        guard let url = components.url else { return .init(isLost: true) }
        var forwarded = URLRequest(url: url)
        forwarded.httpMethod = request.method
        if !request.body.isEmpty { forwarded.httpBody = Data(request.body) }
        for (name, value) in request.headers where !["host", "content-length", "connection"].contains(name) {
            forwarded.setValue(value, forHTTPHeaderField: name)
        }
        guard let (data, response) = try? await URLSession.shared.data(for: forwarded),
            let answer = response as? HTTPURLResponse
        else { return .init(isLost: true) }
        let headers = answer.allHeaderFields.map { ("\($0.key)", "\($0.value)") }
            .filter { !["content-length", "transfer-encoding", "connection"].contains($0.0.lowercased()) }
        return .init(status: answer.statusCode, headers: headers, body: Array(data))
    }
}

extension BadNetwork.State {
    fileprivate mutating func cut(_ path: String) -> Int? {
        guard path.hasPrefix("/dsp/data/"), cuts > 0 else { return nil }
        cuts -= 1
        return cutAfter
    }

    /// Trouble is for the protocol's messages alone; what joins two nodes is not this test's subject.
    fileprivate mutating func decide(about path: String) -> BadNetwork.Fate {
        guard path.hasPrefix("/dsp/2025-1/") else { return .passes }
        switch mode {
        case .good: break
        case .gate(let left):
            guard left > 0 else {
                troubles += 1
                return .requestLost
            }
            mode = .gate(left - 1)
        case .bad(let percent):
            let fates: [BadNetwork.Fate] = [.requestLost, .replyLost, .repeated, .delayed]
            let place = Int.random(in: 0..<100, using: &random) / max(percent, 1)
            if fates.indices.contains(place) {
                troubles += 1
                return fates[place]
            }
        }
        passed += 1
        return .passes
    }
}
