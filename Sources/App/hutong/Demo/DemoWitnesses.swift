// SPDX-License-Identifier: Apache-2.0

import Foundation
import Identity
import Primitives
import Transparency

/// Three witnesses of the demonstration, each a process with a folder and a key of its own. In a city they would be a
/// regulator, a university and a rival exchange.
enum DemoWitnesses {
    private static let names = ["regulator", "university", "auditor"]
    /// Two of three: one may be away.
    private static let threshold = 2

    /// What the nodes are started with: the witnesses and how many count.
    static func policyFile(in data: String) -> String { data + "/witnesses.policy" }

    /// What a reader trusts: the same, and the four logs.
    static func trustFile(in data: String) -> String { data + "/reader.policy" }

    /// Makes the witnesses' keys and the policy that names them; they are not running yet.
    static func prepare(in data: String) throws -> [DemoNode] {
        var members: [TrustPolicy.Witness] = []
        var processes: [DemoNode] = []
        for name in names {
            guard let port = WireTap.freePort() else {
                throw Problem(.unavailable, "demo.step-failed", ["step": "start", "why": "no free port"])
            }
            let folder = data + "/witness-" + name
            let keys = KeyFolder(folder + "/keys")
            try FileManager.default.createDirectory(atPath: keys.path, withIntermediateDirectories: true)
            let key = try keys.witnessKey(firstName: name + ".hutong.local").key
            members.append(.init(name: name, key: key, url: "http://127.0.0.1:\(port)"))
            processes.append(
                DemoNode(name: name, data: folder, port: port, verb: ["witness", "serve"], arguments: []))
        }
        try write(policy(members, logs: []), to: policyFile(in: data))
        return processes
    }

    /// Starts the witnesses over the logs of running nodes, and writes what a reader trusts.
    static func start(_ witnesses: [DemoNode], over nodes: [DemoNode]) throws {
        let keys = try nodes.map { node throws in
            let text = try String(contentsOfFile: node.data + "/keys/log.vkey", encoding: .utf8)
            return NoteKey(text.trimmingCharacters(in: .whitespacesAndNewlines))
        }.compactMap(\.self)
        guard let first = witnesses.first else { return }
        let data = (first.data as NSString).deletingLastPathComponent
        let known = try TrustPolicy(
            parsing: try String(contentsOfFile: policyFile(in: data), encoding: .utf8))
        try write(known.adding(logs: keys), to: trustFile(in: data))
        for witness in witnesses {
            try write(TrustPolicy(logs: keys.map { .init(key: $0) }, witnesses: [], quorum: .none),
                to: witness.data + "/logs.policy")
            try witness.start()
        }
    }

    private static func policy(_ members: [TrustPolicy.Witness], logs: [NoteKey]) -> TrustPolicy {
        TrustPolicy(
            logs: logs.map { .init(key: $0) }, witnesses: members,
            quorum: .group(threshold: threshold, members: members.map { .witness($0.name) }))
    }

    private static func write(_ policy: TrustPolicy, to file: String) throws {
        try Data(policy.text.utf8).write(to: URL(filePath: file))
    }
}
