// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives
import Testing

/// Between platforms: files on their way, foreign catalogs, two ways of trading.
@Suite("Platforms among each other", .serialized)
struct RunningExchangeTests {
    @Test(
        "S45: a file moves between two members with resume, checksum and receipt, and each failure and retry is seen"
    )
    func delivery() async throws {
        let two = try await TwoNodes(seed: 21, rows: 60_000)
        defer { two.end() }
        _ = try await two.begin()
        try await two.wait("FINALIZED", two.negotiation)
        let agreement = try await two.agreement()
        try await two.consumer.ask(
            "POST", "/api/v1/dataspace/transfers",
            ["agreement": .string(agreement), "address": two.address])
        try await two.wait("STARTED", two.transfer, on: [two.consumer])
        let pid = try #require(try await two.transfer(at: two.consumer)["pid"]?.text)

        // The network breaks in the middle of the file, twice.
        two.toProvider.cutData(after: 100_000, times: 2)
        try await two.consumer.ask("POST", "/api/v1/dataspace/transfers/\(pid)/fetch", ["form": "csv"])
        var broken: JSON = .null
        var done: JSON = .null
        for _ in 0..<400 {
            let task =
                try await two.consumer.ask("GET", "/api/v1/dataspace/deliveries")["deliveries"]?[0] ?? .null
            if task["lastError"]?.text != nil { broken = task }
            if task["state"] == "done" {
                done = task
                break
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect((broken["bytes"]?.integer ?? 0) > 0 && broken["nextAttempt"]?.text != nil, "\(broken)")
        try #require(done["state"] == "done", "\(broken)")
        #expect((done["attempts"]?.integer ?? 0) >= 1)
        let code = try #require(done["task"]?.text)
        let file = try await two.consumer.call(
            "GET", "/api/v1/dataspace/deliveries/\(code)/file", token: two.consumer.token)
        #expect(Digest(of: file.body).hex == done["digest"]?.text)
        #expect(Int64(file.body.count) == done["total"]?.integer)
        // The sender's receipt names the same digest, and charged one use.
        let passages = try await two.provider.ask("GET", "/api/v1/passages")["passages"]?.array ?? []
        #expect(passages.count == 1, "\(passages.count)")
        let passage = try await two.provider.ask(
            "GET", "/api/v1/passages/\(passages.first?["passage"]?.text ?? "")")
        #expect(passage.canonicalText.contains(done["digest"]?.text ?? "none"), "\(passage)")
        try await two.wait("COMPLETED", two.transfer)
    }

    @Test(
        "S48: another platform's catalog is read by CKAN and by the Dataspace Protocol, each dataset once with its origins"
    )
    func harvest() async throws {
        let theirs = try RunningNode("theirs")
        let ours = try RunningNode("ours")
        defer {
            theirs.stop()
            ours.stop()
        }
        var codes: Set<String> = []
        for number in 1...3 {
            codes.insert(try theirs.publish("a,b\n1,2\n", title: "外部数据 \(number)").listing)
        }
        let account = try await theirs.account("汇聚平台")
        try ours.run(["harvest", theirs.url, "--kind", "ckan", "--name", "外部平台"])
        try ours.run([
            "harvest", theirs.url + "/dsp/2025-1", "--kind", "dsp", "--name", "外部连接器", "--token",
            account.token,
        ])
        let found = try await ours.call("GET", "/api/v1/foreign?q=%E5%A4%96%E9%83%A8").json
        #expect(found["total"] == 3, "\(found)")
        for dataset in found["datasets"]?.array ?? [] {
            #expect(codes.contains(dataset["key"]?.text ?? ""))
            #expect(Set(dataset["origins"]?.array?.compactMap { $0["kind"]?.text } ?? []) == ["ckan", "dsp"])
            #expect(dataset["origins"]?[0]?["address"]?.text?.hasPrefix(theirs.url) == true)
        }
        // Read again, nothing doubles; away, the last reading stays and the reason is told.
        try ours.run(["harvest", theirs.url, "--kind", "ckan", "--name", "外部平台"])
        #expect(try await ours.call("GET", "/api/v1/foreign").json["total"] == 3)
        theirs.stop()
        let failed = try await ours.call(
            "POST", "/api/v1/harvests", ["url": .string(theirs.url), "kind": "ckan"], token: ours.token)
        #expect(failed.status >= 400)
        let sources = try await ours.call("GET", "/api/v1/harvests").json["sources"]?.array ?? []
        #expect(sources.contains { $0["lastError"]?.text != nil && $0["count"] == 3 }, "\(sources)")
        #expect(try await ours.call("GET", "/api/v1/foreign").json["total"] == 3)
    }
}
