// SPDX-License-Identifier: Apache-2.0

private import struct Crypto.HMAC
private import struct Crypto.SHA256
private import struct Crypto.SymmetricKey
package import Identity
private import Lane
package import Policy
package import Primitives
package import Publish
package import Register
import Store
package import Tables
package import Trade
private import Transparency
package import Valve

/// The doors that hand over a copy: download, Delta Sharing, the pull of a transfer, and the rows of open tables.
/// It has no rule of its own: the valve decides, this writes the file that may leave.
///
/// Under an agreement: commit 1 decides and reserves; the file is written, with the recipient's rows, columns, covers
/// and mark; commit 2 asks again whether anything was closed, charges, and keeps file, receipt and leaf. A crash in
/// between leaves a reservation that expires. The same passage asked again gives the same file and costs nothing.
package struct DeliveryService: Sendable {
    let context: StageContext
    let valve: DataValve
    let engines: any TableEngineFactory
    /// Where version files lie.
    let objects: String
    let writer: FileWriter
    let secret: Redacted<[UInt8]>
    let fees: FeeSchedule

    /// - Parameters:
    ///   - files: the folder of written files; it may be emptied at any time.
    ///   - secret: 32 bytes; marks and covers are made under it.
    package init(
        context: StageContext, valve: DataValve, engines: any TableEngineFactory, objects: String,
        files: String, secret: Redacted<[UInt8]>, fees: FeeSchedule = .standard
    ) {
        self.context = context
        self.valve = valve
        self.engines = engines
        self.objects = objects
        writer = FileWriter(engines: engines, folder: files)
        self.secret = secret
        self.fees = fees
    }

    // MARK: Open to everybody

    /// The whole of an unconditionally open table.
    package func openFile(_ code: String, _ form: FileForm) async throws(Problem) -> DeliveredFile {
        let (listing, version) = try await openTable(code)
        let rules = try listing.deliveryRules().forRecipient(nil)
        let name = Digest(of: "open/\(version.digest.hex)/\(rules.digest.hex)").hex
        let path = objects + "/" + version.path
        let file = try await writer.write(name, form) { engine throws(Problem) in
            try await RowSelection.reading(path, rules: rules, secret: "", mark: nil, on: engine).query
        }
        try await countOpen(listing, way: form.rawValue, bytes: file.byteCount)
        return file
    }

    /// Rows of an open table, as dashboards ask for them.
    package func openRows(_ query: RowQuery, of code: String) async throws(Problem) -> RowPage {
        let (listing, version) = try await openTable(code)
        let rules = try listing.deliveryRules().forRecipient(nil)
        let engine = try engines.open(EngineLimits(memoryBytes: 256 << 20, threads: 2))
        defer { engine.close() }
        let table = try await RowSelection.reading(
            objects + "/" + version.path, rules: rules, secret: "", mark: nil, on: engine)
        let known = Set(table.columns.map(\.name))
        let asked = query.fields + Array(query.filters.keys) + query.order.map(\.field)
        if let unknown = asked.first(where: { !known.contains($0) }) { throw .columnUnknown(unknown) }
        let words = query.words.split(separator: " ").map(String.init)
        let answer = try await engine.rows(
            table.query(
                fields: query.fields, equal: query.filters, words: words,
                order: query.order.map { ($0.field, $0.isAscending) }, limit: query.limit,
                offset: query.offset), rowsMax: 32_000)
        let counted = try await engine.rows(table.count(equal: query.filters, words: words))
        guard case .integer(let total)? = counted.rows.first?.first else { throw .columnUnknown("count") }
        let shown = query.fields.isEmpty ? table.columns.map(\.name) : query.fields
        let types = Dictionary(table.columns.map { ($0.name, $0.type) }) { first, _ in first }
        let records = answer.rows.map { row in
            Dictionary(zip(shown, row.map(\.json))) { first, _ in first }
        }
        let bytes = records.reduce(Int64(0)) { $0 + Int64(JSON.object($1).canonicalBytes.count) }
        try await countOpen(listing, way: "rows", bytes: bytes)
        return RowPage(
            fields: shown.map { CatalogRecord.Field(name: $0, type: types[$0] ?? "VARCHAR") },
            records: records, total: Int(total))
    }

    private func openTable(_ code: String) async throws(Problem) -> (Listing, AssetVersion) {
        let (valve, now) = (valve, context.clock.now())
        return try await context.store.read { transaction throws(Problem) in
            let listing = try ListingBook.openListing(code, in: transaction)
            try valve.decideOpen(listing, through: .download, in: transaction, at: now)
            return (listing, try Self.version(of: listing, in: transaction))
        }
    }

    /// Decides once more and counts, in one commit: what was closed while the file was written does not leave.
    private func countOpen(_ listing: Listing, way: String, bytes: Int64) async throws(Problem) {
        let (context, valve) = (context, valve)
        try await context.store.write { transaction throws(Problem) in
            let listing = try ListingBook.openListing(listing.code.text, in: transaction)
            try valve.decideOpen(listing, through: .download, in: transaction, at: transaction.now)
            let day = transaction.now.day(in: .shanghai)
            try transaction.execute(
                """
                INSERT INTO deliver_open_use (listing_code, way, day, count, bytes) VALUES (?, ?, ?, 1, ?)
                ON CONFLICT (listing_code, way, day) DO UPDATE SET count = deliver_open_use.count + 1,
                bytes = deliver_open_use.bytes + excluded.bytes
                """, [listing.code, way, day.daysSince1970, bytes])
            // One leaf a day and way: the count is public, and nobody can flood the log.
            let content: JSON = ["open": .string(way), "day": .string(day.description)]
            let id = ID<LogEntry>(
                derivedFrom: Digest(of: "open/\(listing.code.text)/\(way)/\(day.description)"))
            try context.record(.passageAnswered, listing.code, content, once: id, in: transaction)
        }
    }

    // MARK: Under an agreement

    /// One copy under an agreement, written for this asker.
    ///
    /// - Parameter fields: the columns wanted; empty for all that the agreement has.
    package func deliver(
        _ passage: ID<Passage>, under code: String, through door: Door, as form: FileForm, purpose: String,
        fields: [String] = [], to asker: Party
    ) async throws(Problem) -> DeliveredFile {
        let agreement = try await heldAgreement(code)
        let request = Digest(
            of: "\(door.rawValue)/\(form.rawValue)/\(purpose)/\(fields.joined(separator: ","))")
        do throws(Problem) {
            let use = Use(
                agreement: agreement, door: door, asker: asker, purpose: purpose,
                columns: try agreement.listing.columnsLeaving(fields))
            let reserved = try await reserve(passage, use, request)
            if let file = DeliveredFile(json: reserved.document["file"], passage: reserved.code) {
                return try await again(file, reserved, use)
            }
            return try await write(reserved, use, fields, form)
        } catch {
            try await refuse(error, passage, agreement)
            throw error
        }
    }

    private func heldAgreement(_ code: String) async throws(Problem) -> Agreement {
        let (agreement, exchange) = try await context.store.read { transaction throws(Problem) in
            (
                try AgreementBook.agreement(code, in: transaction),
                try PartyRegister.exchange(in: transaction)
            )
        }
        guard agreement.provider == context.own else {
            throw Problem(.missing, "deliver.holder-elsewhere", ["agreement": .code(agreement.code)])
        }
        guard agreement.listing.price.costsNothing || exchange == nil || exchange?.id == context.own else {
            throw Problem(.unavailable, "deliver.account-elsewhere", ["agreement": .code(agreement.code)])
        }
        return agreement
    }

    /// Commit 1: the decision and the reservation. From here on the use counts until it is given up.
    private func reserve(
        _ id: ID<Passage>, _ use: Use, _ request: Digest
    ) async throws(Problem) -> Passage {
        let (context, valve, fees) = (context, valve, fees)
        return try await context.store.write { transaction throws(Problem) in
            if let known = try PassageBook.find(id, .keeper, in: transaction) {
                guard known.request == request, known.asker == use.asker.id, known.state != .voided else {
                    throw Problem(.conflict, "valve.passage-reused", ["passage": .code(known.code)])
                }
                return known
            }
            let current = try AgreementBook.agreement(use.agreement.code.text, in: transaction)
            let permit = try valve.decide(use.under(current), in: transaction)
            let underWay = try UseMeter.reserve(id, under: current, in: transaction)
            let price = try RunningBill.current(for: current.id, at: transaction.now, in: transaction)
                .ceiling(of: use.door, beside: underWay, under: current.listing.price)
            let passage = Passage(
                id: id, side: .keeper, agreement: current.id, agreementCode: current.code.text,
                door: use.door, asker: use.asker.id, state: .reserved, price: price, request: request,
                document: permit.json, answer: nil, reservedAt: transaction.now,
                expiresAt: transaction.now.advanced(by: Passage.reservation))
            try Bookkeeping.reserve(id, price, under: current, fees: fees, in: transaction)
            try context.record(
                .passageReserved, passage.code,
                [
                    "question": .string(request.hex), "price": .string(price.description),
                    "permit": permit.json,
                ], in: transaction)
            return try PassageBook.reserve(passage, in: transaction).stored
        }
    }

    private func write(
        _ passage: Passage, _ use: Use, _ fields: [String], _ form: FileForm
    ) async throws(Problem) -> DeliveredFile {
        let listing = use.agreement.listing
        let valve = valve
        let (version, people) = try await context.store.read { transaction throws(Problem) in
            (
                try Self.version(of: listing, in: transaction),
                try valve.identifiers(of: passage, in: transaction)
            )
        }
        // A share is read again and again: its file is one per agreement and version. A download is one per passage.
        let label =
            use.door == .share
            ? "share/\(use.agreement.code.text)/\(version.digest.hex)" : "download/\(passage.id.uuid)"
        let rules = try listing.deliveryRules().forRecipient(use.asker.code.text)
            .narrowed(to: fields, about: people)
        let selection = self.selection(version, rules, for: use.asker, marked: label)
        let types = use.door == .share ? listing.sharedTypes : [:]
        let name = Digest(of: "\(label)/\(rules.digest.hex)").hex
        let file = try await writer.write(name, form) { engine throws(Problem) in
            try await selection(engine).cast(to: types).query
        }
        return try await settle(
            GivenCopy(
                passage: passage, use: use, file: file, rules: rules, version: version, label: label))
    }

    /// Commit 2: asked again, charged, receipted and logged; then the file may leave.
    private func settle(_ copy: GivenCopy) async throws(Problem) -> DeliveredFile {
        let (context, valve, fees) = (context, valve, fees)
        return try await context.store.write { transaction throws(Problem) in
            let (passage, use, file) = (copy.passage, copy.use, copy.file)
            try valve.requireStanding(passage, of: use, in: transaction)
            // A copy of the same passage that was written at the same time has settled it already.
            if try PassageBook.find(passage.id, .keeper, in: transaction)?.state == .reserved {
                let receipt = copy.receipt(by: context.own.uuid, at: transaction.now)
                let digest = Digest(of: receipt.canonicalBytes)
                let meter = try UseMeter.consume(
                    passage, counts: copy.counts, under: use.agreement, in: transaction)
                let price = try Bookkeeping.settle(
                    passage.id, through: use.door, counts: copy.counts, receipt: digest, under: use.agreement,
                    fees: fees, in: transaction)
                let signature = try context.signer.signature(for: receipt.canonicalBytes)
                _ = try PassageBook.advance(
                    passage.id, .keeper, from: .reserved, to: .settled, price: price,
                    document: copy.document(receipt, signature: signature, meter: meter), in: transaction)
                let leaf = try context.record(
                    .passageSettled, passage.code,
                    [
                        "receipt": .string(digest.hex), "file": .string(file.digest.hex),
                        "price": .string(price.description), "meter": .string(meter.hex),
                    ], in: transaction)
                try PassageBook.note(leaf, of: passage.id, .keeper, in: transaction)
                try valve.tellConsenting(passage, of: use, in: transaction)
            }
            return DeliveredFile(
                path: file.path, form: file.form, byteCount: file.byteCount, rowCount: file.rowCount,
                digest: file.digest, passage: passage.code)
        }
    }

    /// A passage that was given is given again, as long as nothing was closed since.
    private func again(_ file: DeliveredFile, _ passage: Passage, _ use: Use) async throws(Problem)
        -> DeliveredFile
    {
        let valve = valve
        try await context.store.read { transaction throws(Problem) in
            try valve.requireStanding(passage, of: use, in: transaction)
            guard try AgreementBook.agreement(use.agreement.code.text, in: transaction).state == .inForce
            else {
                throw Problem(
                    .forbidden, "valve.agreement-ended",
                    ["agreement": .code(use.agreement.code), "state": .text("revoked")])
            }
        }
        return file
    }

    private func refuse(
        _ problem: Problem, _ id: ID<Passage>, _ agreement: Agreement
    ) async throws(Problem) {
        let (context, valve) = (context, valve)
        try await context.store.write { transaction throws(Problem) in
            if let passage = try PassageBook.find(id, .keeper, in: transaction),
                try PassageBook.advance(
                    id, .keeper, from: .reserved, to: .voided, document: ["why": .string(problem.code)],
                    in: transaction)
            {
                try Bookkeeping.void(id, in: transaction)
                try UseMeter.release(id, in: transaction)
                try context.record(
                    .passageVoided, passage.code, ["why": .string(problem.code)], in: transaction)
            }
            try valve.refuse(problem, agreement: agreement, in: transaction)
        }
    }

    // MARK: Small parts

    /// How one recipient sees a version, with the order that marks its file.
    func selection(
        _ version: AssetVersion, _ rules: DeliveryRules, for recipient: Party, marked label: String
    ) -> @Sendable (any TableEngine) async throws(Problem) -> RowSelection {
        let path = objects + "/" + version.path
        let cover = code("cover/" + recipient.code.text).hex
        let mark = RowMark(key: code("mark/" + label))
        return { engine throws(Problem) in
            try await RowSelection.reading(path, rules: rules, secret: cover, mark: mark, on: engine)
        }
    }

    /// HMAC-SHA-256 under the node's secret.
    func code(_ text: String) -> Digest {
        let code = HMAC<SHA256>.authenticationCode(
            for: Array(text.utf8), using: SymmetricKey(data: secret.disclosed))
        return Digest(bytes: Array(code)) ?? Digest(of: text)
    }

    static func version(of listing: Listing, in transaction: any SQLReading) throws(Problem) -> AssetVersion {
        try AssetShelf.newestVersion(
            of: AssetShelf.asset(listing.assetCode, in: transaction).id, in: transaction)
    }
}

extension Listing {
    /// What its holder signed about copies.
    package func deliveryRules() throws(Problem) -> DeliveryRules {
        try DeliveryRules(json: summary["delivery"])
    }

    /// The columns that a copy of these fields holds; of no fields, all that may leave.
    fileprivate func columnsLeaving(_ fields: [String]) throws(Problem) -> Set<String> {
        guard fields.isEmpty else { return Set(fields) }
        return try Set(
            deliveryRules().columns ?? (summary["fields"]?.array ?? []).compactMap { $0["name"]?.text })
    }

    /// The columns' types as Delta Sharing's readers know them.
    var sharedTypes: [String: String] {
        var types: [String: String] = [:]
        for field in summary["fields"]?.array ?? [] {
            guard let name = field["name"]?.text, let type = field["type"]?.text else { continue }
            types[name] = DeltaTable.fileType(type)
        }
        return types
    }
}
