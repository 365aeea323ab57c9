// SPDX-License-Identifier: Apache-2.0

package import Identity
import Policy
package import Primitives
import Register
import Store
import Trade
import Valve

/// The shares of a node: one table for each agreement in force whose terms permit `share`. Each file passes the valve.
package struct AgreedShelf: DeltaShelf {
    let delivery: DeliveryService
    let asker: Party
    let purpose: String

    /// - Parameter purpose: what the recipient's profile was made for; empty where its terms ask for none.
    package init(delivery: DeliveryService, asker: Party, purpose: String) {
        self.delivery = delivery
        self.asker = asker
        self.purpose = purpose
    }

    package func tables(for recipient: String) async throws(Problem) -> [DeltaTable] {
        try await shared().map(\.table)
    }

    package func file(
        of table: DeltaTable, for recipient: String, _ query: DeltaQuery
    ) async throws(Problem) -> DeltaFile? {
        guard let agreement = try await shared().first(where: { $0.table == table })?.agreement else {
            return nil
        }
        let file = try await delivery.deliver(
            ID(at: delivery.context.clock.now()), under: agreement, through: .share, as: .parquet,
            purpose: purpose, to: asker)
        guard file.rowCount > 0 else { return nil }
        let name = file.path.split(separator: "/").last.map(String.init) ?? ""
        return DeltaFile(name: name, byteCount: file.byteCount, rowCount: file.rowCount)
    }

    private func shared() async throws(Problem) -> [(table: DeltaTable, agreement: String)] {
        let (own, asker) = (delivery.context.own, asker)
        return try await delivery.context.store.read { transaction throws(Problem) in
            let share = try PartyRegister.party(own, in: transaction).name.identifier
            var taken: Set<String> = []
            return try AgreementBook.agreements(of: asker.id, in: transaction)
                .filter {
                    $0.state == .inForce && $0.provider == own && $0.listing.doors.contains(.share)
                }.map { agreement throws(Problem) in
                    let version = try DeliveryService.version(of: agreement.listing, in: transaction)
                    var name = agreement.listing.tableName.identifier
                    if !taken.insert(name).inserted { name += "_" + agreement.code.text.suffix(6) }
                    return (
                        DeltaTable(
                            id: agreement.id.uuid, share: share, schema: "data", name: name,
                            version: Int64(version.number), columns: try agreement.listing.sharedColumns),
                        agreement.code.text
                    )
                }
        }
    }
}

extension Listing {
    /// The columns that leave, covered ones as text.
    fileprivate var sharedColumns: [DeltaTable.Column] {
        get throws(Problem) {
            let rules = try deliveryRules()
            let types = sharedTypes
            return (summary["fields"]?.array ?? []).compactMap { $0["name"]?.text }
                .filter { rules.columns?.contains($0) ?? true }
                .map { .init($0, rules.covers[$0] == nil ? types[$0] ?? "VARCHAR" : "VARCHAR") }
        }
    }
}

extension String {
    /// Letters and digits; everything else is an underscore: a name that every reader's address syntax takes.
    fileprivate var identifier: String {
        let name = String(lowercased().map { $0.isLetter || $0.isNumber ? $0 : "_" })
        return name.isEmpty ? "data" : name
    }
}
