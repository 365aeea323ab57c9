// SPDX-License-Identifier: Apache-2.0

import Compute
import Identity
import Lane
import Primitives
import Register
import Store
import Transparency
import Valve

extension Courtyard {
    /// The transparency log as files, and the receipts of passages.
    var logRoutes: [Route] {
        let files = ["/checkpoint", "/tile/*", "/log/vkey", "/log/policy"].map { path in
            Route("GET", path, .anyone, "The transparency log (c2sp.org/tlog-tiles).") {
                request throws(Problem) in
                let file =
                    request.path.hasPrefix("/log/")
                    ? String(request.path.dropFirst(5)) : String(request.path.dropFirst())
                let answer = try logFiles.answer(file)
                var headers = answer.headers
                let type = headers.removeValue(forKey: "content-type") ?? "application/octet-stream"
                return APIReply(status: answer.status, contentType: type, headers: headers, body: answer.body)
            }
        }
        return files + [
            Route(
                "GET", "/api/v1/passages/:code/proof", .scope(.tradeRead),
                "Its receipt as a .tlog-proof file."
            ) { request throws(Problem) in
                let passage = try await passage(request)
                return APIReply(
                    contentType: "text/plain; charset=utf-8",
                    headers: [
                        "Content-Disposition": "attachment; filename=\"\(passage.code.text).tlog-proof\""
                    ],
                    body: try await ownReceipt(of: passage).bytes)
            },
            Route(
                "GET", "/api/v1/passages/:code/proofs", .scope(.tradeRead),
                "Both sides' receipts, each with the key of its log."
            ) { request throws(Problem) in APIReply(try await proofs(of: try await passage(request))) },
        ]
    }

    /// So long a receipt waits for its witnesses; then it carries the log's own word alone, and says so.
    static let witnessPatience = Duration.seconds(3)

    /// This node's receipt of a passage.
    private func ownReceipt(of passage: Passage) async throws(Problem) -> Receipt {
        guard let leaf = passage.document["leaf"]?.integer else {
            throw Problem(.missing, "valve.passage-unknown", ["passage": .code(passage.code)])
        }
        return try await publisher.receipt(for: LeafIndex(leaf), waiting: Self.witnessPatience)
    }

    /// Both sides' receipts: the asker's (or its keeper's) names the hash of the holder's leaf. The holder's comes
    /// over the lane; a holder that cannot be reached now is named under `missing`.
    private func proofs(of passage: Passage) async throws(Problem) -> JSON {
        let side = passage.side == .holder ? "holder" : "asker"
        var proofs = [try await proof(of: passage, as: side)]
        var missing: [JSON] = []
        if passage.side != .holder {
            do throws(Problem) {
                proofs.append(try await proofOfHolder(of: passage))
            } catch {
                missing.append(["side": "holder", "code": .string(error.code)])
            }
        }
        return [
            "passage": .string(passage.code.text), "proofs": .array(proofs), "missing": .array(missing),
            "policy": .string(publisher.policy.text),
        ]
    }

    private func proof(of passage: Passage, as side: String) async throws(Problem) -> JSON {
        let receipt = try await ownReceipt(of: passage)
        return [
            "side": .string(side), "proof": .string(String(decoding: receipt.bytes, as: UTF8.self)),
            "vkeys": .array(publisher.ownKeys.map { .string($0.description) }),
        ]
    }

    private func proofOfHolder(of passage: Passage) async throws(Problem) -> JSON {
        let content = passage.document["receipt"]?["content"] ?? .null
        guard let holder = content["holder"]?.text.flatMap({ ID<Party>(uuid: $0) }),
            let id = content["passage"]?.text.flatMap({ ID<Passage>(uuid: $0) })
        else { throw Problem(.missing, "valve.passage-unknown", ["passage": .code(passage.code)]) }
        if holder == context.own {
            let own = try await store.read { transaction throws(Problem) in
                try PassageBook.find(id, .holder, in: transaction)
            }
            guard let own else {
                throw Problem(.missing, "valve.passage-unknown", ["passage": .code(passage.code)])
            }
            return try await proof(of: own, as: "holder")
        }
        return try await context.lane.call(
            try await context.party(holder), "proof.get", ["passage": .string(id.uuid)])
    }

    /// Gives the receipt of one of our answers to who asked for it, or to the exchange that kept the account.
    func holderProof(_ body: JSON, for sender: Party) async throws(Problem) -> JSON {
        let id = try body.needed("passage") { ID<Passage>(uuid: $0) }
        let (passage, exchange) = try await store.read { [context] transaction throws(Problem) in
            (
                try PassageBook.find(id, .holder, in: transaction),
                try context.exchange(in: transaction)
            )
        }
        guard let passage, passage.asker == sender.id || exchange.id == sender.id else {
            throw Problem(.missing, "valve.passage-unknown", ["passage": .text(id.uuid)])
        }
        return try await proof(of: passage, as: "holder")
    }
}
