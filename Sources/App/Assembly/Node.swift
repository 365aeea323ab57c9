// SPDX-License-Identifier: Apache-2.0

private import Casework
private import Collect
import Compute
import Deliver
private import Foundation
package import HTTPAPI
package import Identity
import Lane
import LaneHTTP
private import Ledger
private import Lists
private import Metering
private import Packs
package import Primitives
import Register
package import Store
private import Synchronization
import Tables
private import TablesDuckDB
import Trade
import Transparency
import Valve

/// One node, wired: a data folder opened, its services built. Serving it on a port is `serve()`; a verb with
/// `--data` uses the same node without one.
package struct Node: Sendable {
    package let settings: NodeSettings
    package let store: any DataStore
    package let courtyard: Courtyard
    let link: HTTPLink
    let address: Shared<String>
    package let own: Party

    /// Every room's tables, in the order of the arrows.
    package static var migrations: [Migration] {
        IdentitySchema.migrations + LaneSchema.migrations + TransparencySchema.migrations
            + LedgerSchema.migrations + MeteringSchema.migrations + CollectSchema.migrations
            + RegisterSchema.migrations + TradeSchema.migrations + SettlementSchema.migrations
            + ValveSchema.migrations + PrivacyBudgetSchema.migrations + MatchSchema.migrations
            + ComputeSchema.migrations + ListsSchema.migrations + CaseworkSchema.migrations
            + PacksSchema.migrations + DeliverSchema.migrations
    }

    /// Opens a data folder, or makes one at the first start: keys, own party, operator's token.
    package static func open(_ settings: NodeSettings, version: String) async throws(Problem) -> Node {
        for folder in ["", "/keys", "/log", "/objects", "/inbox", "/deliveries"] {
            try makeFolder(settings.data + folder)
        }
        let lock = try FolderLock(settings.data)
        let keys = KeyFolder(settings.data + "/keys", passphrase: settings.passphrase)
        let nodeKey = try keys.ed25519("node")
        // Named after its own key: a log that begins anew, as after a restore, is another log and no fork.
        let logKey = try keys.logKey { "hutong.local/" + Hex.encode($0.fingerprint.bytes.prefix(6)) }
        let store = try NodeStore.open(in: settings.data, at: settings.store, clock: .system)
        try await store.migrate(migrations)
        let sealingSecret = nodeKey.derivedSecret(for: "hutong/sealing/v1")
        guard let sealingKey = SealingKey(stored: sealingSecret.disclosed) else {
            throw Problem(.fault, "identity.key-unreadable", ["key": "node"])
        }
        let own = try await ownParty(settings, nodeKey, sealingKey, store)
        let log = TransparencyLog(pseudonyms: Pseudonyms(nodeKey: nodeKey))
        let storage = LogFolder(settings.data + "/log")
        let publisher = try evidence(settings, keys: keys, logKey: logKey, store: store, storage: storage)
        try await publisher.start()
        let address = Shared(settings.publicURL ?? "http://\(settings.host):\(settings.port)")
        let mailbox = Mailbox()
        let isExchange = settings.role != .party
        let link = try HTTPLink(
            detour: settings.role == .party
                ? .exchange { await exchangeURL(store) } : .mailbox(mailbox),
            peerRoots: settings.peerRoots)
        let lane = LaneService(
            store: store, clock: .system, signer: nodeKey, ownID: own.id, link: link,
            checkpoints: LogCheckpoints(publisher: publisher, store: store))
        let context = StageContext(
            store: store, clock: .system, log: log, lane: lane, signer: nodeKey, own: own.id)
        let engines = DuckDBEngineFactory()
        let valve = DataValve(log: log, home: own.jurisdiction)
        let budget = PrivacyBudgets()
        let compute = ComputeService(
            context: context, valve: valve,
            engine: CleanRoomEngine(
                engines: engines, dialect: RelationText(DuckDBDialect()), objects: settings.data + "/objects"),
            budget: budget, sealingKey: sealingKey,
            matchDoor: MatchDoor(
                engines: engines, objects: settings.data + "/objects",
                secret: nodeKey.derivedSecret(for: "hutong/match/v1")))
        var courtyard = Courtyard(
            name: own.name, version: version, isExchange: isExchange, publicURL: { address.value },
            context: context,
            assets: try await assets(context, engines, settings.data),
            registrations: RegistrationService(
                context: context, rules: try registrationRules(settings.data)),
            market: MarketService(context: context, outside: link),
            valve: valve, compute: compute,
            delivery: DeliveryService(
                context: context, valve: valve, engines: engines, objects: settings.data + "/objects",
                files: settings.data + "/deliveries", secret: nodeKey.derivedSecret(for: "hutong/delivery/v1")
            ),
            budget: budget, publisher: publisher,
            logFiles: LogEndpoints(storage: storage, key: logKey.key, policy: publisher.policy),
            mailbox: mailbox, outside: link,
            ownAddress: { settings.dialsOut ? .dialOut : .url(address.value) }, engines: engines,
            inbox: settings.data + "/inbox", objects: settings.data + "/objects", metrics: MetricsText())
        if settings.isConformance {
            courtyard.conformance =
                ConformanceConnector(
                    own: "urn:hutong:conformance", root: { address.value }, outside: link, clock: .system
                ).door
        }
        return Node(
            settings: settings, store: store, courtyard: courtyard, link: link, address: address, own: own,
            lock: lock)
    }

    let lock: FolderLock

    private init(
        settings: NodeSettings, store: any DataStore, courtyard: Courtyard, link: HTTPLink,
        address: Shared<String>, own: Party, lock: FolderLock
    ) {
        self.settings = settings
        self.store = store
        self.courtyard = courtyard
        self.link = link
        self.address = address
        self.own = own
        self.lock = lock
    }

    private static func makeFolder(_ path: String) throws(Problem) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw Problem(.fault, "store.storage-failed", operatorNote: "\(error)")
        }
    }

    private static func exchangeURL(_ store: any DataStore) async -> String? {
        let exchange = try? await store.read { transaction throws(Problem) in
            try PartyRegister.exchange(in: transaction)
        }
        guard case .url(let url)? = exchange?.address else { return nil }
        return url
    }

    /// The party that owns the node: made once, with an operator's token that is written beside the keys.
    private static func ownParty(
        _ settings: NodeSettings, _ key: Ed25519Signer, _ sealingKey: SealingKey, _ store: any DataStore
    ) async throws(Problem) -> Party {
        let known = try await store.read { transaction throws(Problem) in
            try? PartyRegister.ownParty(in: transaction)
        }
        if let known { return known }
        let party = Party(
            id: ID(at: WallClock.system.now()), name: settings.name ?? "node",
            jurisdiction: settings.jurisdiction,
            roles: settings.role == .party
                ? [.operator, .holder, .buyer] : Set(Role.allCases).subtracting([.public]),
            signingKey: key.publicKey.bytes, sealingKey: sealingKey.publicKey,
            address: settings.dialsOut
                ? .dialOut : .url(settings.publicURL ?? "http://\(settings.host):\(settings.port)"))
        let token = try await store.write { transaction throws(Problem) in
            try PartyRegister.put(party, isSelf: true, isExchange: settings.role != .party, in: transaction)
            var random = SystemRandomNumberGenerator()
            return try Tokens.issue(to: party, using: &random, in: transaction)
        }
        let file = settings.data + "/keys/operator.token"
        guard
            FileManager.default.createFile(
                atPath: file, contents: Data((token.disclosed + "\n").utf8),
                attributes: [.posixPermissions: 0o600])
        else { throw Problem(.fault, "store.storage-failed", operatorNote: "cannot write \(file)") }
        return party
    }

    /// The operator's token of a data folder, for whoever may read its `keys/`.
    package static func operatorToken(of data: String) -> String? {
        (try? String(contentsOfFile: data + "/keys/operator.token", encoding: .utf8))?
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

/// A value that several closures share.
final class Shared<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>

    init(_ value: Value) {
        mutex = Mutex(value)
    }

    var value: Value { mutex.withLock { $0 } }
    func set(_ value: Value) { mutex.withLock { $0 = value } }
    func update(_ change: (inout Value) -> Void) { mutex.withLock { change(&$0) } }
}

/// One process at a time opens a data folder: two writers of one log would fork it.
final class FolderLock: Sendable {
    private let descriptor: Int32

    init(_ data: String) throws(Problem) {
        // SAFETY: the path is a string that the call copies.
        descriptor = unsafe Foundation.open(data + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0, flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw Problem(.conflict, "app.folder-in-use", ["folder": .text(data)])
        }
    }

    deinit { close(descriptor) }
}

/// Peers' checkpoints go into the log room's memory.
struct LogCheckpoints: CheckpointExchange {
    let publisher: LogPublisher
    let store: any DataStore

    func own() async -> String? {
        guard let checkpoint = try? await publisher.checkpoint() else { return nil }
        return String(decoding: checkpoint.bytes, as: UTF8.self)
    }

    func remember(_ checkpoint: String, of peer: Party) async throws(Problem) {
        guard let signed = SignedCheckpoint(parsing: Array(checkpoint.utf8)) else { return }
        _ = try await store.write { writing throws(Problem) in
            try PeerCheckpoints.remember(signed, in: writing)
        }
    }
}
