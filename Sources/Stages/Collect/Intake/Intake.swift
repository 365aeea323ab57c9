// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import Primitives
package import Store
package import Tables
package import Transparency

/// The one gate in. What does not pass it is in no table of the node.
///
/// A delivery is read (digest, encoding, layout), checked against its source's legal basis and its standard,
/// written as an immutable Parquet file named by its digest, profiled and looked through for sensitive data. The
/// record of it, taken or refused, and its leaf in the log are one commit.
package struct Intake: Sendable {
    private let store: any DataStore
    private let register: SourceRegister
    private let engine: any TableEngine
    private let folder: String
    private let clock: WallClock

    /// `folder` holds the Parquet files, the quarantine and scratch files; it must exist.
    package init(
        store: any DataStore, log: TransparencyLog, engine: any TableEngine, folder: String, clock: WallClock
    ) {
        self.store = store
        register = SourceRegister(log: log)
        self.engine = engine
        self.folder = folder
        self.clock = clock
    }

    /// Takes a delivery, or refuses it: the refusal is recorded and logged before the problem is thrown.
    package func receive(_ offer: DeliveryOffer) async throws(Problem) -> Delivery {
        let prepared = try await prepare(offer)
        return try await store.write { writing throws(Problem) in try record(prepared, in: writing) }
    }

    /// Everything but the commit: a caller that registers an asset version records the delivery in the same
    /// commit, with `record(_:in:)`. From here on the Parquet file is on disk; if nobody records it, nothing
    /// names it and `sweep` removes it.
    package func prepare(_ offer: DeliveryOffer) async throws(Problem) -> PreparedDelivery {
        let (source, rules) = try await store.read { reading throws(Problem) in
            (
                try SourceRegister.source(offer.source, in: reading),
                try GradingRuleBook.inForce(in: reading)
            )
        }
        var receipt = DeliveryReceipt(offer, at: clock.now())
        do throws(Problem) {
            try source.basis.check(at: clock.now())
            try receipt.survey()
            let reading = try await DeliveryReading(receipt, rules, engine: engine, folder: folder)
            return PreparedDelivery(receipt, reading)
        } catch {
            let problem = receipt.told(error)
            let refused = receipt.refused(problem)
            try await store.write { writing throws(Problem) in _ = try register.record(refused, in: writing) }
            throw problem
        }
    }

    /// Writes a prepared delivery and its leaf in the running command.
    package func record(_ prepared: PreparedDelivery, in writing: any SQLWriting) throws(Problem) -> Delivery
    {
        if let sequence = prepared.receipt.offer.sequence {
            return try register.record(prepared.delivery(sequence: sequence), in: writing)
        }
        let sequence = try nextSequence(prepared, in: writing)
        return try register.record(prepared.delivery(sequence: sequence), in: writing)
    }

    /// The Parquet file of an accepted delivery.
    package func path(of content: Digest) -> String { "\(folder)/\(content.hex).parquet" }

    /// The same files sent again without a number are the same delivery.
    private func nextSequence(
        _ prepared: PreparedDelivery, in writing: any SQLWriting
    ) throws(Problem) -> Int64 {
        let known = try writing.first(
            "SELECT sequence FROM collect_delivery WHERE source_id = ? AND files_digest = ? AND refusal IS NULL",
            [prepared.receipt.offer.source, prepared.receipt.filesDigest]
        ) { row throws(Problem) in try row.integer(0) }
        if let known { return known }
        return try SourceRegister.nextSequence(of: prepared.receipt.offer.source, in: writing)
    }
}

/// What a sender hands over.
package struct DeliveryOffer: Hashable, Sendable {
    package let source: ID<CollectionSource>
    /// Files of one layout, read as one table in this order.
    package let files: [String]
    /// The sender's number; `nil`: the next one.
    package let sequence: Int64?
    package let standard: CollectionStandard?

    package init(
        source: ID<CollectionSource>, files: [String], sequence: Int64? = nil,
        standard: CollectionStandard? = nil
    ) {
        self.source = source
        self.files = files
        self.sequence = sequence
        self.standard = standard
    }
}
