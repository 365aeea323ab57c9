// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Primitives
package import Store

/// A signed statement of an accredited party about a code 证明.
package struct Attestation: Hashable, Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case quality, value, compliance, ethics, certification, accreditation, exportRoute = "export-route"
    }

    package let id: ID<Attestation>
    package let subjectCode: String
    package let kind: Kind
    package let attester: ID<Party>
    /// Method, result, version digest.
    package let document: JSON
    package let validUntil: Instant
    /// Ed25519 by the attester over `signedBytes`.
    package let signature: [UInt8]

    package var code: Code { Code(.attestation, id) }

    package init(
        id: ID<Attestation>, subjectCode: String, kind: Kind, attester: ID<Party>, document: JSON,
        validUntil: Instant, signature: [UInt8]
    ) {
        self.id = id
        self.subjectCode = subjectCode
        self.kind = kind
        self.attester = attester
        self.document = document
        self.validUntil = validUntil
        self.signature = signature
    }

    /// What the attester signs: the label keeps this signature from being taken for another.
    package static func signedBytes(
        id: ID<Attestation>, subjectCode: String, kind: Kind, document: JSON, validUntil: Instant
    ) -> [UInt8] {
        let statement: JSON = [
            "type": "hutong/attestation/v1", "id": .string(id.uuid), "subject": .string(subjectCode),
            "kind": .string(kind.rawValue), "document": document,
            "validUntil": .integer(validUntil.microseconds),
        ]
        return statement.canonicalBytes
    }
}

extension Attestation {
    /// As it travels between nodes: signed, so that each believes it for itself.
    package var json: JSON {
        [
            "id": .string(id.uuid), "subject": .string(subjectCode), "kind": .string(kind.rawValue),
            "attester": .string(attester.uuid), "document": document,
            "validUntil": .integer(validUntil.microseconds),
            "signature": .string(Base64.encode(signature)),
        ]
    }

    /// `nil` where a member is missing or has another form.
    package init?(json: JSON) {
        guard let id = json["id"]?.text.flatMap({ ID<Attestation>(uuid: $0) }),
            let subject = json["subject"]?.text,
            let kind = json["kind"]?.text.flatMap(Kind.init), let document = json["document"],
            let attester = json["attester"]?.text.flatMap({ ID<Party>(uuid: $0) }),
            let validUntil = json["validUntil"]?.integer,
            let signature = json["signature"]?.text.flatMap({ Base64.decode($0) })
        else { return nil }
        self.init(
            id: id, subjectCode: subject, kind: kind, attester: attester, document: document,
            validUntil: Instant(microseconds: validUntil), signature: signature)
    }
}

/// The attestations a node has seen and believed.
package enum AttestationBook {
    /// Enters a statement after checking the signature, the attester's role and its neutrality.
    package static func enter(_ attestation: Attestation, in transaction: any SQLWriting) throws(Problem) {
        let attester = try PartyRegister.party(attestation.attester, in: transaction)
        guard attester.roles.contains(.assessor) else { throw .scopeMissing(.registerAttest) }
        let bytes = Attestation.signedBytes(
            id: attestation.id, subjectCode: attestation.subjectCode, kind: attestation.kind,
            document: attestation.document, validUntil: attestation.validUntil)
        guard PartySignature.isValid(attestation.signature, over: bytes, by: attester.signingKey) else {
            throw Problem(.invalid, "register.attestation-unsigned", ["code": .text(attestation.subjectCode)])
        }
        guard
            !(try RegistrationBook.hasRight(
                attestation.attester, in: attestation.subjectCode, in: transaction))
        else {
            throw Problem(
                .forbidden, "register.attester-not-neutral",
                ["party": .text(attester.name), "code": .text(attestation.subjectCode)])
        }
        try transaction.execute(
            """
            INSERT INTO register_attestation
            (id, code, subject_code, kind, party_id, document, signature, valid_until, signed_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING
            """,
            [
                attestation.id, attestation.code, attestation.subjectCode, attestation.kind.rawValue,
                attestation.attester, attestation.document, attestation.signature, attestation.validUntil,
                transaction.now,
            ])
    }

    /// The kinds of statement in force about a code.
    package static func kindsInForce(
        about code: String, at now: Instant, in transaction: any SQLReading
    ) throws(Problem) -> Set<Attestation.Kind> {
        Set(
            try transaction.all(
                "SELECT DISTINCT kind FROM register_attestation WHERE subject_code = ? AND valid_until > ?",
                [code, now]
            ) { row throws(Problem) in Attestation.Kind(rawValue: try row.text(0)) }.compactMap(\.self))
    }

    /// Every statement about a code, newest first.
    package static func all(about code: String, in transaction: any SQLReading) throws(Problem)
        -> [Attestation]
    {
        try transaction.all(
            """
            SELECT id, subject_code, kind, party_id, document, valid_until, signature
            FROM register_attestation WHERE subject_code = ? ORDER BY signed_at DESC
            """,
            [code]
        ) { row throws(Problem) in
            Attestation(
                id: try row.id(0), subjectCode: try row.text(1),
                kind: Attestation.Kind(rawValue: try row.text(2)) ?? .quality, attester: try row.id(3),
                document: try row.json(4), validUntil: try row.instant(5), signature: try row.blob(6))
        }
    }
}
