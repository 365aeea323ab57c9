// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives
import Testing

/// What is left when a machine is lost.
extension OnRunningNodes {
    @Suite("Backup and restore")
    struct RunningBackupTests {
        @Test(
            "a backup taken while the node works is whole, is restored elsewhere with its catalog and data, and signs no fork"
        )
        func backup() async throws {
            let node = try RunningNode("city")
            defer { node.stop() }
            let data = try await node.publish("a,b\n1,2\n3,4\n", title: "空气质量")
            let checkpoint = try await node.call("GET", "/checkpoint").text
            func path(_ name: String) -> String {
                node.folder.appending(path: name).path(percentEncoded: false)
            }

            let (copy, elsewhere) = (path("copy"), path("elsewhere"))
            // While the node goes on taking data in.
            async let busy = node.publish("c,d\n5,6\n", title: "水质")
            try await node.run(["backup", copy, "--data", path("data"), "--with-keys"])
            _ = try await busy
            #expect(FileManager.default.fileExists(atPath: copy + "/keys/node.pem"))
            let twice = try await node.problem(of: ["backup", copy, "--data", path("data")])
            #expect(twice == "app.folder-exists", "a backup overwrites nothing")

            try await node.run(["restore", copy, "--data", elsewhere])
            let onto = try await node.problem(of: ["restore", copy, "--data", elsewhere])
            #expect(onto == "app.folder-exists")
            let found = try await node.run(["search", "空气质量", "--data", elsewhere])
            #expect(found.canonicalText.contains(data.listing), "\(found)")
            let told = try await node.run(["code", "resolve", data.asset, "--data", elsewhere])
            #expect(told["state"] == "registered", "\(told)")
            let faults = try await node.run(["fsck", elsewhere])
            #expect(faults["clean"] == true, "\(faults)")
            // The lost node's log is not signed on: the restored one has a name of its own for its log.
            let restored = try await node.run(["log", "checkpoint", "--data", elsewhere])
            let origin = checkpoint.split(separator: "\n").first.map(String.init) ?? ""
            #expect(restored["origin"] != nil && restored["origin"]?.text != origin, "\(restored)")
        }
    }
}
