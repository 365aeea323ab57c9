// SPDX-License-Identifier: Apache-2.0

import Primitives

/// A list of names and values, the house's way of showing one thing.
struct Facts {
    private var rows: [(name: String, value: HTML)] = []

    /// Adds a line, unless there is nothing to say.
    mutating func add(_ name: String, _ value: HTML?) {
        if let value { rows.append((name, value)) }
    }

    /// Adds a line of text. Labeled, so that a piece of markup is never taken for text and shown with its tags.
    mutating func add(_ name: String, text: String?) {
        if let text { rows.append((name, HTML(text))) }
    }

    var html: HTML {
        """
        <dl class="facts">
        \(each(rows) { "<div><dt>\($0.name)</dt><dd>\($0.value)</dd></div>\n" })</dl>
        """
    }
}

/// A table: a caption for the ear, headings with scope, numbers right-aligned in tabular figures.
struct DataTable {
    struct Column {
        let name: String
        let isNumber: Bool

        static func text(_ name: String) -> Column { Column(name: name, isNumber: false) }
        static func number(_ name: String) -> Column { Column(name: name, isNumber: true) }
    }

    let caption: String
    let columns: [Column]
    /// Each row's cells; the first is the row's heading.
    let rows: [[HTML]]
    var showsCaption = false

    var html: HTML {
        """
        <div class="scroll" tabindex="0" role="region" aria-label="\(caption)"><table>
        <caption\(showsCaption ? .nothing : " class=\"unseen\"")>\(caption)</caption>
        <thead><tr>\(each(columns) { "<th scope=\"col\"\(Self.alignment($0))>\($0.name)</th>" })</tr></thead>
        <tbody>
        \(each(rows) { "<tr>\(cells(of: $0))</tr>\n" })</tbody>
        </table></div>
        """
    }

    private func cells(of row: [HTML]) -> HTML {
        each(zip(columns, row).enumerated()) { place, cell in
            let (column, value) = cell
            return place == 0
                ? "<th scope=\"row\"\(Self.alignment(column))>\(value)</th>"
                : "<td\(Self.alignment(column))>\(value)</td>"
        }
    }

    private static func alignment(_ column: Column) -> HTML {
        column.isNumber ? " class=\"number\"" : .nothing
    }
}

/// What an empty page says: that it is empty, and what to do first.
struct EmptyState {
    let what: String
    let first: HTML

    var html: HTML {
        "<div class=\"empty\"><p><b>\(what)</b></p><p>\(first)</p></div>"
    }
}
