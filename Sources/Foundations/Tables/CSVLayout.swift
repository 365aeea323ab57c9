// SPDX-License-Identifier: Apache-2.0

/// How a CSV file is to be read (RFC 4180, with what Chinese office programs write).
package struct CSVLayout: Hashable, Sendable {
    package enum Encoding: String, Hashable, Sendable, CaseIterable {
        case utf8 = "UTF-8"
        case utf16LittleEndian = "UTF-16LE"
        case utf16BigEndian = "UTF-16BE"
        case gb18030 = "GB18030"
    }

    /// A longer line is no row of a table: most often a file without line breaks, or an open quotation mark.
    package static let lineBytesMax: Int64 = 8 << 20

    package var delimiter: UInt8
    package var hasHeader: Bool
    /// Exact texts that mean "no value". An empty field always does.
    package var nullTexts: [String]
    package var encoding: Encoding
    package var columns: [CSVColumn]

    package init(
        delimiter: UInt8 = UInt8(ascii: ","), hasHeader: Bool = true,
        nullTexts: [String] = CSVLayout.usualNullTexts, encoding: Encoding = .utf8, columns: [CSVColumn] = []
    ) {
        self.delimiter = delimiter
        self.hasHeader = hasHeader
        self.nullTexts = nullTexts
        self.encoding = encoding
        self.columns = columns
    }

    package static let usualNullTexts = ["NA", "N/A", "NULL", "null", "NaN", "nan", "\\N"]
}

/// A column of a CSV file: its name, its type, and for days and times how they are written.
package struct CSVColumn: Hashable, Sendable {
    package let name: String
    package var type: ColumnType
    /// A `strptime` format such as `%Y年%m月%d日`; `nil` for ISO 8601 and for every other type.
    package var format: String?

    package init(_ name: String, _ type: ColumnType, format: String? = nil) {
        self.name = name
        self.type = type
        self.format = format
    }
}
