// SPDX-License-Identifier: Apache-2.0

import Lane
import Primitives

/// Reads a foreign catalog from its beginning to its end. A reading that is not whole is a problem, never a shorter
/// catalog: whoever takes it would believe the rest to be withdrawn.
struct CatalogReader: Sendable {
    let outside: any OutsideCaller
    let root: String
    /// What proves us to a Dataspace Protocol catalog, for one message.
    let token: @Sendable (JSON) throws(Problem) -> String

    private static let pageMost = 100
    /// A catalog larger than this is read in parts by its own search, not copied.
    private static let datasetsMax = 200_000

    func datasets(_ kind: HarvestService.Kind) async throws(Problem) -> [ForeignDataset] {
        switch kind {
        case .ckan: try await ckan()
        case .dsp: try await dsp()
        }
    }

    private func ckan() async throws(Problem) -> [ForeignDataset] {
        var found: [ForeignDataset] = []
        var start = 0
        while true {
            let answer = try await outside.post(
                root + "/api/3/action/package_search",
                ["rows": .integer(Int64(Self.pageMost)), "start": .integer(Int64(start))])
            let page = answer["result"]?["results"]?.array ?? []
            guard let count = answer["result"]?["count"]?.integer else { throw incomplete(found.count, nil) }
            found += page.compactMap { ForeignDataset(ckan: $0, at: root) }
            start += page.count
            guard start < count else { return found }
            // A catalog whose count lies, or that ignores `start`, must not be read for ever.
            guard !page.isEmpty else { throw incomplete(start, count) }
            try requireRoom(start)
        }
    }

    private func dsp() async throws(Problem) -> [ForeignDataset] {
        let message: JSON = [
            "@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@type": "CatalogRequestMessage",
        ]
        var found: [ForeignDataset] = []
        var next: String? = root + "/catalog/request"
        var seen: Set<String> = []
        while let url = next {
            guard seen.insert(url).inserted else { throw incomplete(found.count, nil) }
            let reply = try await outside.call(
                "POST", url, token: token(message), message, deadline: .seconds(30))
            guard reply.status == 200, let body = reply.body else {
                throw Problem(
                    .unavailable, "deliver.catalog-refused",
                    ["url": .text(url), "status": .integer(Int64(reply.status))])
            }
            let participant = body["participantId"]?.text ?? root
            found += (body["dataset"]?.array ?? []).compactMap {
                ForeignDataset(dsp: $0, from: participant, at: root)
            }
            next = reply.next
            try requireRoom(found.count)
        }
        return found
    }

    private func requireRoom(_ count: Int) throws(Problem) {
        guard count >= Self.datasetsMax else { return }
        throw Problem(
            .limited, "deliver.catalog-too-large",
            ["url": .text(root), "most": .integer(Int64(Self.datasetsMax))])
    }

    private func incomplete(_ count: Int, _ promised: Int64?) -> Problem {
        Problem(
            .unavailable, "deliver.catalog-incomplete",
            [
                "url": .text(root), "count": .integer(Int64(count)),
                "promised": promised.map { .integer($0) } ?? .text("?"),
            ])
    }
}
