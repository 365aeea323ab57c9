// SPDX-License-Identifier: Apache-2.0

import Casework
package import Lists
package import Primitives
import Rules
package import Store
private import Synchronization

/// Packs as a node has installed them: each version once, unchanged, by its date.
package struct PackDesk: Sendable {
    /// One installed version.
    package struct Installed: Sendable {
        package let pack: Pack
        package let digest: Digest
        package let addedAt: Instant
        package let removedAt: Instant?
    }

    private let shelf = PackShelf()

    package init() {}

    /// What identifies a pack's content: SHA-256 of the canonical JSON of its files.
    package static func digest(of files: [String: String]) -> Digest {
        Digest(of: JSON.object(files.mapValues { .string($0) }).canonicalBytes)
    }

    /// Keeps a version. The same content again changes nothing; another content under the same version is
    /// refused, for decisions name their version.
    ///
    /// - Returns: the pack, and whether it is new here.
    package func add(
        _ files: [String: String], _ writer: any SQLWriting
    ) throws(Problem) -> (pack: Pack, digest: Digest, isNew: Bool) {
        let pack = try Self.checked(files)
        let digest = Self.digest(of: files)
        for need in pack.needs where (try? newest(need, asOf: nil, writer)) == nil {
            throw Problem(.conflict, "packs.need-missing", ["pack": .text(pack.id), "need": .text(need)])
        }
        let known = try writer.first(
            "SELECT digest FROM packs_pack WHERE id = ? AND version = ?", [pack.id, pack.version.description]
        ) { row throws(Problem) in try row.digest(0) }
        if let known, known != digest {
            throw Problem(
                .conflict, "packs.version-taken",
                ["pack": .text(pack.id), "version": .text(pack.version.description)])
        }
        try writer.execute(
            """
            INSERT INTO packs_pack VALUES (?, ?, ?, ?, ?, ?, ?, NULL)
            ON CONFLICT (id, version) DO UPDATE SET removed_at = NULL
            """,
            [
                pack.id, pack.version.description, pack.title.zh, pack.title.en, digest,
                JSON.object(files.mapValues { .string($0) }), writer.now,
            ])
        return (pack, digest, known == nil)
    }

    /// Reads a pack and plays its examples and its scenario: what fails its own tests is not installed.
    package static func checked(_ files: [String: String]) throws(Problem) -> Pack {
        let pack: Pack
        do throws(PackFaults) {
            pack = try Pack(files: files)
        } catch { throw Problem(packFaults: error) }
        let failed = pack.runExamples().filter { !$0.differences.isEmpty }.map(\.id)
        let story = pack.scenario?.play(in: pack) ?? []
        guard failed.isEmpty, story.isEmpty else {
            throw Problem(
                .invalid, "packs.examples-failed",
                ["pack": .text(pack.id), "failed": .list((failed + story).prefix(8).map { $0 })])
        }
        return pack
    }

    /// Nothing new begins under the pack; what was decided or opened under it stays readable.
    package func remove(_ id: String, _ writer: any SQLWriting) throws(Problem) -> Pack {
        let pack = try newest(id, asOf: nil, writer)
        try writer.execute(
            "UPDATE packs_pack SET removed_at = ? WHERE id = ? AND removed_at IS NULL", [writer.now, id])
        return pack
    }

    /// Every version that is or was installed, the newest of each pack first.
    package func all(_ reader: any SQLReading) throws(Problem) -> [Installed] {
        try reader.all(
            "SELECT digest, files, added_at, removed_at FROM packs_pack ORDER BY id, version DESC"
        ) { row throws(Problem) in
            let digest = try row.digest(0)
            return Installed(
                pack: try shelf.pack(digest) { () throws(Problem) in try row.json(1) }, digest: digest,
                addedAt: try row.instant(2),
                removedAt: try row.optional(3, row.instant))
        }
    }

    /// The packs in force: of each the newest version that began by `day`.
    package func inForce(asOf day: CalendarDay?, _ reader: any SQLReading) throws(Problem) -> [Pack] {
        var packs: [Pack] = []
        for installed in try all(reader) where installed.removedAt == nil {
            guard day.map({ installed.pack.version <= $0 }) ?? true,
                packs.last?.id != installed.pack.id
            else { continue }
            packs.append(installed.pack)
        }
        return packs
    }

    /// One pack in its newest version, or the one in force on a day.
    package func newest(
        _ id: String, asOf day: CalendarDay?, _ reader: any SQLReading
    ) throws(Problem) -> Pack {
        guard let pack = try inForce(asOf: day, reader).first(where: { $0.id == id }) else {
            throw Problem(.missing, "packs.pack-missing", ["pack": .text(id)])
        }
        return pack
    }

    /// The files of a version, for `pack diff` and for those who check the digest.
    package func files(
        of id: String, version: String?, _ reader: any SQLReading
    ) throws(Problem) -> [String: String] {
        let files = try reader.first(
            """
            SELECT files FROM packs_pack WHERE id = ? AND (version = ? OR ? = '') ORDER BY version DESC LIMIT 1
            """, [id, version ?? "", version ?? ""]
        ) { row throws(Problem) in try row.json(0) }
        guard let files = files?.object else {
            throw Problem(.missing, "packs.pack-missing", ["pack": .text(id)])
        }
        return files.compactMapValues(\.text)
    }

    /// The part of a list that has this name, or `nil`.
    package func selection(_ id: String, _ reader: any SQLReading) throws(Problem) -> ListSelection? {
        try inForce(asOf: nil, reader).flatMap(\.selections).first { $0.id == id }
    }

    /// The schema of a list; the newest pack that declares it decides.
    package func list(_ id: String, _ reader: any SQLReading) throws(Problem) -> ListSchema {
        for pack in try inForce(asOf: nil, reader) {
            if let found = pack.lists.first(where: { $0.schema.id == id }) { return found.schema }
        }
        throw Problem(.missing, "lists.list-missing", ["list": .text(id)])
    }
}

/// Parsed packs by their digest. Owned by one `PackDesk`; a pack is some kilobytes and there are few.
private final class PackShelf: Sendable {
    private let packs = Mutex<[Digest: Pack]>([:])

    /// The files are read only where the pack is not on the shelf: every page of a procedure asks for all packs.
    func pack(_ digest: Digest, _ files: () throws(Problem) -> JSON) throws(Problem) -> Pack {
        if let pack = packs.withLock({ $0[digest] }) { return pack }
        let texts = (try files().object ?? [:]).compactMapValues(\.text)
        let pack: Pack
        do throws(PackFaults) {
            pack = try Pack(files: texts)
        } catch { throw Problem(packFaults: error) }
        packs.withLock { $0[digest] = pack }
        return pack
    }
}

extension Problem {
    /// The first fault of a pack with its file and line; the others are found by `hutong pack check`.
    package init(packFaults: PackFaults) {
        let fault = packFaults.faults.first ?? .noPackFile
        self.init(
            .invalid, "packs.pack-malformed",
            [
                "file": .text(fault.file), "line": .integer(Int64(fault.line)),
                "found": .localized(fault.found), "remedy": .localized(fault.remedy),
            ])
    }
}
