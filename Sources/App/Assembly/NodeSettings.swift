// SPDX-License-Identifier: Apache-2.0

import Identity
package import Primitives

/// What `hutong serve` was told. The data folder remembers name, role and origin from its first start.
package struct NodeSettings: Sendable {
    package enum Role: String, Sendable, CaseIterable { case exchange, party, both }

    package var data: String
    /// `postgres://…`, where the records do not lie in the folder. Remembered from the first start.
    package var store: String?
    package var host: String
    package var port: Int
    package var publicURL: String?
    package var name: String?
    package var role: Role
    package var dialsOut: Bool
    package var jurisdiction: String
    package var certificate: String?
    package var privateKey: String?
    /// A PEM file of authorities whose certificates peers may show, besides the system's.
    package var peerRoots: String?
    package var passphrase: Redacted<[UInt8]>?
    /// Speaks the Dataspace Protocol as its public conformance kit expects, and not with this node's own data.
    package var isConformance = false
    package var evidence = EvidenceSettings()

    package init(
        data: String, store: String? = nil, host: String = "127.0.0.1", port: Int = 8080,
        publicURL: String? = nil,
        name: String? = nil,
        role: Role = .both, dialsOut: Bool = false, jurisdiction: String = "CN", certificate: String? = nil,
        privateKey: String? = nil, peerRoots: String? = nil, passphrase: Redacted<[UInt8]>? = nil
    ) {
        self.data = data
        self.store = store
        self.host = host
        self.port = port
        self.publicURL = publicURL
        self.name = name
        self.role = role
        self.dialsOut = dialsOut
        self.jurisdiction = jurisdiction
        self.certificate = certificate
        self.privateKey = privateKey
        self.peerRoots = peerRoots
        self.passphrase = passphrase
    }
}

/// What a node does for its log beyond keeping it. The data folder remembers the first two.
package struct EvidenceSettings: Sendable {
    /// A tlog-policy file with the witnesses to ask; `nil` keeps what `DATA/trust.policy` says.
    package var trust: String?
    /// Adds an SM2 line to every checkpoint from now on.
    package var signsWithSM2 = false
    /// A timestamp authority (RFC 3161) that stamps a checkpoint every hour, with its certificates (PEM file).
    package var anchor: (url: String, certificates: String)?

    package init() {}
}
