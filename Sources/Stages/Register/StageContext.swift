// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Lane
package import Primitives
package import Store
package import Transparency

/// What every stage works with on one node: its database, clock, log, lane and key.
package struct StageContext: Sendable {
    package let store: any DataStore
    package let clock: WallClock
    package let log: TransparencyLog
    package let lane: LaneService
    /// The node's key; it also signs for the party that owns the node.
    package let signer: any Signer
    package let own: ID<Party>

    package init(
        store: any DataStore, clock: WallClock, log: TransparencyLog, lane: LaneService, signer: any Signer,
        own: ID<Party>
    ) {
        self.store = store
        self.clock = clock
        self.log = log
        self.lane = lane
        self.signer = signer
        self.own = own
    }

    /// The exchange this node joined; `register.exchange-missing` before that.
    package func exchange(in transaction: any SQLReading) throws(Problem) -> Party {
        guard let exchange = try PartyRegister.exchange(in: transaction) else {
            throw Problem(.conflict, "register.exchange-missing")
        }
        return exchange
    }

    /// Refuses what only an exchange's operator decides.
    package func requireExchange() async throws(Problem) {
        guard try await exchange().id == own else { throw Problem(.forbidden, "register.exchange-decides") }
    }

    package func exchange() async throws(Problem) -> Party {
        try await store.read { transaction throws(Problem) in try exchange(in: transaction) }
    }

    /// A party this node knows, or, if it does not, one that its exchange names in its party list.
    package func party(_ id: ID<Party>) async throws(Problem) -> Party {
        let known = try await store.read { transaction throws(Problem) in
            try? PartyRegister.party(id, in: transaction)
        }
        if let known { return known }
        try await refreshParties()
        return try await store.read { transaction throws(Problem) in
            try PartyRegister.party(id, in: transaction)
        }
    }

    /// Takes the exchange's party list. A pinned key that changed without a rotation is refused.
    package func refreshParties() async throws(Problem) {
        let exchange = try await exchange()
        guard exchange.id != own else { return }
        let list = try await lane.call(exchange, "parties", .null)
        let parties = (list["parties"]?.array ?? []).compactMap(Party.init(json:))
        let own = own
        try await store.write { transaction throws(Problem) in
            for party in parties where party.id != own && party.id != exchange.id {
                let pinned = try? PartyRegister.party(party.id, in: transaction)
                guard pinned == nil || pinned?.signingKey == party.signingKey else { continue }
                try PartyRegister.put(party, in: transaction)
            }
        }
    }

    /// Writes a leaf about something, in the caller's commit.
    @discardableResult
    package func record(
        _ kind: LogEntryKind, _ subject: Code?, _ content: JSON, once id: ID<LogEntry>? = nil,
        in transaction: any SQLWriting
    ) throws(Problem) -> LeafIndex {
        try log.append(LogEntry(kind, subject: subject, content: content, id: id), in: transaction)
    }
}
