// SPDX-License-Identifier: Apache-2.0

import Identity
import Primitives
import Register
import Store
private import Trade
private import Transparency

extension Courtyard {
    /// What a code stands for, and what happened to it: generate, aggregate, register, open, trade, use (S59). Shows
    /// what is public: kinds, times and codes, never contents.
    func resolve(_ typed: String, for caller: Caller?) async throws(Problem) -> APIReply {
        guard let code = Code(typed) else { throw .codeUnknown(typed) }
        let entity: JSON? =
            code.kind == .entity ? try await self.entity(code, purpose: "", for: caller) : JSON?.none
        return try await store.read { transaction throws(Problem) in
            let subject = try assetCode(behind: code, in: transaction) ?? code.text
            let listings = try transaction.all(
                "SELECT code, state, holder_id FROM trade_listing WHERE document LIKE ?",
                ["%\"asset\":\"\(subject)\"%"]
            ) { row throws(Problem) in
                (code: try row.text(0), state: try row.text(1), holder: try row.id(2, of: Party.self))
            }
            let listed = listings.map(\.code)
            let subjects = try subjects(of: [code.text, subject], listings: listed, in: transaction)
            let leaves = try transaction.all(
                """
                SELECT leaf_index, kind, logged_at FROM transparency_leaf WHERE subject IN (\(Self.marks(subjects)))
                ORDER BY leaf_index LIMIT 500
                """,
                subjects
            ) { row throws(Problem) -> JSON in
                [
                    "leaf": .integer(try row.integer(0)), "kind": .string(try row.text(1)),
                    "at": .string(try row.instant(2).rfc3339),
                ]
            }
            let known = try transaction.first("SELECT note FROM register_code WHERE code = ?", [code.text]) {
                row throws(Problem) in try row.text(0)
            }
            let registration = try RegistrationBook.inForce(subject, in: transaction)
            guard !leaves.isEmpty || !listings.isEmpty || known != nil || registration != nil || entity != nil
            else { throw .codeUnknown(typed) }
            // Its own listing's state, else the registration's: what anybody may know.
            let holder = registration?.holder ?? listings.first?.holder
            let state =
                entity?["state"]?.text ?? listings.first { $0.code == code.text }?.state
                ?? (registration != nil ? "registered" : "issued")
            return APIReply(
                [
                    "code": .string(code.text), "kind": .string(code.kind.rawValue),
                    "asset": .string(subject),
                    "registration": registration.map { .string($0.code.text) } ?? .null,
                    "note": known.map(JSON.string) ?? .null, "history": .array(leaves),
                    "holder": entity?["issuer"] ?? holder.map { .string(Code(.party, $0).text) } ?? .null,
                    "state": .string(state), "entity": entity ?? .null,
                    "listings": .array(
                        listings.map { ["listing": .string($0.code), "state": .string($0.state)] }),
                ])
        }
    }

    private static func marks(_ values: [String]) -> String {
        values.map { _ in "?" }.joined(separator: ", ")
    }

    /// What belongs to an asset in its later steps: attestations, listings, agreements, passages. Their codes are not
    /// told here: a leaf's kind and time are public anyway, who used what is not.
    private func subjects(
        of codes: [String], listings: [String], in transaction: any SQLReading
    ) throws(Problem) -> [String] {
        func texts(_ sql: String, _ values: [String]) throws(Problem) -> [String] {
            guard !values.isEmpty else { return [] }
            return try transaction.all("\(sql) IN (\(Self.marks(values))) LIMIT 100", values) {
                row throws(Problem) in try row.text(0)
            }
        }
        let attestations = try texts("SELECT code FROM register_attestation WHERE subject_code", codes)
        let agreements = try texts("SELECT code FROM trade_agreement WHERE listing_code", listings)
        let passages = try texts(
            "SELECT DISTINCT code FROM valve_passage WHERE agreement_code", agreements)
        return Array(Set(codes + listings + attestations + agreements + passages)).sorted()
    }

    private func assetCode(behind code: Code, in transaction: any SQLReading) throws(Problem) -> String? {
        switch code.kind {
        case .asset: code.text
        case .listing: try? ListingBook.listing(code.text, in: transaction).0.assetCode
        case .registration: try RegistrationBook.registration(code.text, in: transaction)?.assetCode
        case .agreement: try? AgreementBook.agreement(code.text, in: transaction).listing.assetCode
        default: nil
        }
    }
}
