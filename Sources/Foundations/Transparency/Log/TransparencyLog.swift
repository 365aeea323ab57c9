// SPDX-License-Identifier: Apache-2.0

package import Merkle
package import Primitives
package import Store

/// A leaf's place in the log, from 0.
package typealias LeafIndex = UInt64

/// The node's log, as rooms write to it: a leaf is part of the command that changes the state, so that there
/// is no moment at which something happened and nothing was logged. Tiles, checkpoints and proofs are derived
/// afterwards by `LogPublisher`.
package struct TransparencyLog: Sendable {
    private let pseudonyms: Pseudonyms
    private let salts: @Sendable () -> Salt

    /// - Parameter salts: where salts come from; `nil` for the system's random bytes, which is what a node uses.
    package init(pseudonyms: Pseudonyms, salts: (@Sendable () -> Salt)? = nil) {
        self.pseudonyms = pseudonyms
        let source = SaltSource()
        self.salts = salts ?? { source.next() }
    }

    /// The party's name in the leaves of one agreement or other scope.
    package func pseudonym<Party, Scope>(of party: ID<Party>, within scope: ID<Scope>) -> Pseudonym {
        pseudonyms.pseudonym(of: party, within: scope)
    }

    /// Appends a leaf inside the running command and returns its index. If the command fails, so does the leaf,
    /// and the index goes to the next.
    ///
    /// An entry with an `id` that is already logged returns the first leaf's index; with another content it
    /// throws `transparency.entry-contradicts`. A content or list of parties beyond the limits throws
    /// `transparency.entry-too-large`. Costs two statements and two hashes.
    @discardableResult
    package func append(_ entry: LogEntry, in writing: any SQLWriting) throws(Problem) -> LeafIndex {
        let content = entry.canonicalContent
        guard content.count <= LogEntry.contentBytesMax, entry.parties.count <= LogEntry.partiesMax else {
            throw Problem(
                .invalid,
                "transparency.entry-too-large",
                ["size": .bytes(Int64(content.count)), "limit": .bytes(Int64(LogEntry.contentBytesMax))]
            )
        }
        let salt = salts()
        // The command's time never goes back, across restarts too (`SQLWriting.now`); so leaf times do not.
        let leaf = Leaf(entry, at: writing.now, contentDigest: Leaf.contentDigest(content, salt: salt))
        let index = try writing.count(Self.nextIndex)
        let isNew = try writing.execute(
            Self.insertion,
            [
                index, entry.id, entry.kind.rawValue, entry.subject,
                entry.parties.map(\.text).joined(separator: " "),
                leaf.time, leaf.hash.bytes, salt.bytes, String(decoding: content, as: UTF8.self),
            ]
        )
        if isNew == 1 { return LeafIndex(index) }
        return try Self.indexOfFirst(entry, content: content, in: writing)
    }

    private static let nextIndex = "SELECT COALESCE(MAX(leaf_index) + 1, 0) FROM transparency_leaf"

    /// Takes the index, or none if the identifier is already there. The index is asked for by a statement of its own:
    /// `RETURNING` makes SQLite build a table for the answer at every leaf, a third of what the leaf costs.
    private static let insertion = """
        INSERT INTO transparency_leaf
        (leaf_index, entry_id, kind, subject, parties, logged_at, leaf_hash, salt, content)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (entry_id) DO NOTHING
        """

    /// The index of the leaf that a repeated entry made before.
    private static func indexOfFirst(
        _ entry: LogEntry,
        content: [UInt8],
        in reading: any SQLReading
    ) throws(Problem) -> LeafIndex {
        let sql = "SELECT leaf_index, kind, content FROM transparency_leaf WHERE entry_id = ?"
        let first = try reading.first(sql, [entry.id]) { row throws(Problem) in
            (index: try row.integer(0), kind: try row.text(1), content: try row.text(2))
        }
        guard let first, first.kind == entry.kind.rawValue,
            first.content == String(decoding: content, as: UTF8.self)
        else {
            throw Problem(
                .conflict,
                "transparency.entry-contradicts",
                ["index": .integer(first?.index ?? -1)]
            )
        }
        return LeafIndex(first.index)
    }

    /// How many leaves the log has.
    package static func size(in reading: any SQLReading) throws(Problem) -> UInt64 {
        UInt64(try reading.count(nextIndex))
    }

    /// The hash of one leaf, as the log's tree has it; `nil` where there is no such leaf.
    package static func leafHash(
        _ index: LeafIndex,
        in reading: any SQLReading
    ) throws(Problem) -> Digest? {
        try reading.first(
            "SELECT leaf_hash FROM transparency_leaf WHERE leaf_index = ?",
            [Int64(clamping: index)]
        ) { row throws(Problem) in try row.digest(0) }
    }

    /// The leaves about one thing, oldest first: at most `limit`, from an index on. Cost: one look into the index for
    /// every `TransparencySchema.epoch` leaves of the log.
    package static func leaves(
        about subject: Code,
        from index: LeafIndex = 0,
        limit: Int,
        in reading: any SQLReading
    ) throws(Problem) -> [StoredLeaf] {
        try reading.all(
            StoredLeaf.select + " WHERE leaf_index IN (\(Self.placesOfSubject)) ORDER BY leaf_index LIMIT ?",
            [
                Int64(clamping: index) / TransparencySchema.epoch, subject, Int64(clamping: index), limit,
            ],
            StoredLeaf.init
        )
    }

    private static let placesOfSubject = """
        WITH RECURSIVE epoch (n) AS (SELECT CAST(? AS INTEGER) UNION ALL SELECT n + 1 FROM epoch
        WHERE n < (SELECT COALESCE(MAX(leaf_index), 0) / \(TransparencySchema.epoch) FROM transparency_leaf))
        SELECT l.leaf_index FROM epoch CROSS JOIN transparency_leaf l
        WHERE l.leaf_index / \(TransparencySchema.epoch) = epoch.n AND l.subject = ? AND l.leaf_index >= ?
        """

    /// Consecutive leaves from an index on: at most `limit`.
    package static func leaves(
        from index: LeafIndex,
        limit: Int,
        in reading: any SQLReading
    ) throws(Problem) -> [StoredLeaf] {
        try reading.all(
            StoredLeaf.select + " WHERE leaf_index >= ? ORDER BY leaf_index LIMIT ?",
            [Int64(clamping: index), limit],
            StoredLeaf.init
        )
    }
}

/// A leaf as the database keeps it: with its content and salt, so that everything public can be derived again.
package struct StoredLeaf: Hashable, Sendable {
    package let index: LeafIndex
    package let leaf: Leaf
    package let subject: Code?
    package let salt: Salt
    /// Canonical JSON.
    package let content: String
    /// The hash that was committed. It equals `leaf.hash`, or the row was changed.
    package let hash: NodeHash

    static let select = """
        SELECT leaf_index, kind, subject, parties, logged_at, leaf_hash, salt, content FROM transparency_leaf
        """

    /// A row that no append could have written is a `fault`.
    init(_ row: any SQLRow) throws(Problem) {
        let index = try row.integer(0)
        func damaged(_ what: String) -> Problem {
            Problem(.fault, "transparency.leaf-damaged", ["index": .integer(index)], operatorNote: what)
        }
        guard let kind = LogEntryKind(rawValue: try row.text(1)) else { throw damaged("unknown kind") }
        let code = try row.optional(2) { column throws(Problem) in try row.text(column) }
        let subject = code.flatMap { Code($0) }
        guard subject?.text == code else { throw damaged("the subject is no code") }
        let names = try row.text(3).split(separator: " ")
        let parties = names.compactMap { Pseudonym($0) }
        guard parties.count == names.count else { throw damaged("a pseudonym is none") }
        guard let hash = NodeHash(bytes: try row.blob(5)) else { throw damaged("the hash has not 32 bytes") }
        guard let salt = Salt(bytes: try row.blob(6)) else { throw damaged("the salt has not 16 bytes") }
        let content = try row.text(7)
        let entry = LogEntry(kind, subject: subject, parties: parties, content: .null)
        self.index = LeafIndex(index)
        self.subject = subject
        self.salt = salt
        self.content = content
        self.hash = hash
        leaf = Leaf(
            entry,
            at: try row.instant(4),
            contentDigest: Leaf.contentDigest(Array(content.utf8), salt: salt)
        )
    }

    /// Whether the row still is what was committed.
    package var isIntact: Bool { leaf.hash == hash }
}
