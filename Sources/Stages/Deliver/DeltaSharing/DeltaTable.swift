// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// One table as a recipient of a share sees it (Delta Sharing protocol, Apache-2.0 `PROTOCOL.md`).
package struct DeltaTable: Hashable, Sendable {
    package struct Column: Hashable, Sendable {
        package let name: String
        /// A type of DuckDB.
        package let type: String
        package let isNullable: Bool

        package init(_ name: String, _ type: String, isNullable: Bool = true) {
            self.name = name
            self.type = type
            self.isNullable = isNullable
        }
    }

    /// A UUID.
    package let id: String
    package let share: String
    package let schema: String
    package let name: String
    package let version: Int64
    package let columns: [Column]

    package init(id: String, share: String, schema: String, name: String, version: Int64, columns: [Column]) {
        self.id = id
        self.share = share
        self.schema = schema
        self.name = name
        self.version = version
        self.columns = columns
    }

    /// The columns as Spark writes a struct type.
    var schemaString: String {
        let fields: [JSON] = columns.map {
            [
                "name": .string($0.name), "type": .string(Self.sparkType($0.type)),
                "nullable": .bool($0.isNullable),
                "metadata": [:],
            ]
        }
        let type: JSON = ["type": "struct", "fields": .array(fields)]
        return type.canonicalText
    }

    /// The type of DuckDB in which a column of ours leaves: one that readers of Spark's types know.
    package static func fileType(_ type: String) -> String {
        switch type {
        case "bool": "BOOLEAN"
        case "integer": "BIGINT"
        case "real": "DOUBLE"
        case "bytes": "BLOB"
        case "day": "DATE"
        case "timestamp": "TIMESTAMP"
        case _ where type.hasPrefix("decimal("): type.uppercased()
        default: "VARCHAR"
        }
    }

    /// Types Spark does not know go as text; the file is written to match.
    package static func sparkType(_ duckDB: String) -> String {
        switch duckDB.prefix(while: { $0 != "(" }) {
        case "BOOLEAN": "boolean"
        case "TINYINT": "byte"
        case "SMALLINT", "UTINYINT": "short"
        case "INTEGER", "USMALLINT": "integer"
        case "BIGINT", "UINTEGER": "long"
        case "FLOAT", "REAL": "float"
        case "DOUBLE": "double"
        case "DATE": "date"
        case "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ": "timestamp"
        case "BLOB": "binary"
        case "DECIMAL": duckDB.lowercased()
        default: "string"
        }
    }
}

/// A file written for one recipient and one query, already filtered, masked and marked; ready behind its name.
package struct DeltaFile: Hashable, Sendable {
    /// Unguessable; the last part of the signed address.
    package let name: String
    package let byteCount: Int64
    package let rowCount: Int64

    package init(name: String, byteCount: Int64, rowCount: Int64) {
        self.name = name
        self.byteCount = byteCount
        self.rowCount = rowCount
    }
}

/// What a recipient asks of a table. The hints are hints: the answer may hold more rows, never fewer.
package struct DeltaQuery: Hashable, Sendable {
    package let limit: Int64?
    package let version: Int64?

    package init(limit: Int64? = nil, version: Int64? = nil) {
        self.limit = limit
        self.version = version
    }

    /// Reads the body of a query; an empty body asks for everything. Unknown members are other readers' hints.
    init(body: [UInt8]) throws(DeltaRefusal) {
        if body.isEmpty {
            self.init()
            return
        }
        guard let json = try? JSON(parsing: body), json.object != nil else {
            throw DeltaRefusal(.invalid, "The body is not a JSON object.")
        }
        for name in ["limitHint", "version"] where json[name] != nil && json[name] != .null {
            guard let value = json[name]?.integer, value >= 0 else {
                throw DeltaRefusal(.invalid, "\(name) is not a whole number.")
            }
        }
        // A version of the past would be a change feed, and that we do not serve.
        if json["startingVersion"] != nil || json["timestamp"] != nil {
            throw DeltaRefusal(.invalid, "Only the present version of the table is shared.")
        }
        self.init(limit: json["limitHint"]?.integer, version: json["version"]?.integer)
    }
}

/// The shares of a node as one recipient may see them; each file it makes passes the valve first.
package protocol DeltaShelf: Sendable {
    /// Everything shared with the recipient.
    func tables(for recipient: String) async throws(Problem) -> [DeltaTable]
    /// Writes the recipient's file: authorized, metered and marked. A table of no rows gives no file.
    func file(
        of table: DeltaTable, for recipient: String, _ query: DeltaQuery
    ) async throws(Problem) -> DeltaFile?
}

/// A refusal in the protocol's own words.
struct DeltaRefusal: Error, Hashable {
    enum Kind: String { case invalid = "INVALID_PARAMETER_VALUE", missing = "RESOURCE_DOES_NOT_EXIST" }
    let kind: Kind
    let message: String

    init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }
}
