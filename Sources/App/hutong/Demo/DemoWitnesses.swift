// SPDX-License-Identifier: Apache-2.0

import Foundation
import Identity
import Primitives
import Transparency

/// Three witnesses of the demonstration, each a process with a folder and a key of its own. In a city they would be a
/// regulator, a university and a rival exchange.
enum DemoWitnesses {
    private static let names = ["regulator", "university", "auditor"]
    /// What the nodes are started with: the witnesses and how many count.
    static func policyFile(in data: String) -> String { data + "/witnesses.policy" }

    /// What a reader trusts: the same, and the four logs.
    static func trustFile(in data: String) -> String { data + "/reader.policy" }

    /// Makes the witnesses' keys and the policy that names them; they are not running yet.
    /// Two of three count: one may be away.
    static func prepare(in data: String, threshold: Int = 2) throws -> [DemoNode] {
        var members: [TrustPolicy.Witness] = []
        var processes: [DemoNode] = []
        for name in names {
            let port = try SocketLink.freePort()
            let folder = data + "/witness-" + name
            let keys = KeyFolder(folder + "/keys")
            try FileManager.default.createDirectory(atPath: keys.path, withIntermediateDirectories: true)
            let key = try keys.witnessKey(firstName: name + ".hutong.local").key
            members.append(.init(name: name, key: key, url: "http://127.0.0.1:\(port)"))
            processes.append(
                DemoNode(name: name, data: folder, port: port, verb: ["witness", "serve"], arguments: []))
        }
        let quorum = TrustPolicy.Quorum.group(
            threshold: threshold, members: members.map { .witness($0.name) })
        try write(TrustPolicy(logs: [], witnesses: members, quorum: quorum), to: policyFile(in: data))
        return processes
    }

    /// Starts the witnesses over the logs of running nodes.
    static func start(_ witnesses: [DemoNode], over nodes: [DemoNode], in data: String) throws {
        var keys: [NoteKey] = []
        for node in nodes {
            let text = try String(contentsOfFile: node.data + "/keys/log.vkey", encoding: .utf8)
            keys += [NoteKey(text.trimmingCharacters(in: .whitespacesAndNewlines))].compactMap(\.self)
        }
        try start(witnesses, over: keys, in: data)
    }

    /// Starts the witnesses over logs, and writes what a reader trusts.
    static func start(_ witnesses: [DemoNode], over logs: [NoteKey], in data: String) throws {
        let known = try TrustPolicy(
            parsing: try String(contentsOfFile: policyFile(in: data), encoding: .utf8))
        try write(known.adding(logs: logs), to: trustFile(in: data))
        let watched = TrustPolicy(logs: [], witnesses: [], quorum: .none).adding(logs: logs)
        for witness in witnesses {
            try write(watched, to: witness.data + "/logs.policy")
            try witness.start()
        }
    }

    private static func write(_ policy: TrustPolicy, to file: String) throws {
        try Data(policy.text.utf8).write(to: URL(filePath: file))
    }
}
