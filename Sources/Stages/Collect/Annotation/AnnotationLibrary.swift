// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import Store

/// The labels that may be given, in one version: labels are never compared across versions (S12).
package struct LabelSet: Hashable, Sendable {
    package let name: String
    package let version: Int
    package let labels: [String]
}

/// How far two annotators agree beyond chance.
package struct AnnotatorAgreement: Hashable, Sendable {
    package let itemCount: Int
    package let agreedCount: Int
    /// Cohen's kappa; `nil` where chance alone explains everything, or nothing was labelled by both.
    package let kappa: Double?

    /// From pairs of labels that two annotators gave to the same items.
    package init(_ pairs: [(String, String)]) {
        itemCount = pairs.count
        agreedCount = pairs.count { $0.0 == $0.1 }
        guard !pairs.isEmpty else {
            kappa = nil
            return
        }
        let count = Double(pairs.count)
        let first = Dictionary(grouping: pairs, by: \.0).mapValues { Double($0.count) / count }
        let second = Dictionary(grouping: pairs, by: \.1).mapValues { Double($0.count) / count }
        let chance = first.reduce(0) { $0 + $1.value * (second[$1.key] ?? 0) }
        kappa = chance < 1 ? (Double(agreedCount) / count - chance) / (1 - chance) : nil
    }
}

/// An item with its accepted label: two annotators agreed, or a third decided.
package struct AcceptedLabel: Hashable, Sendable {
    package let item: String
    package let label: String
    package let annotators: [String]
    package let version: Int

    package var json: JSON {
        [
            "item": .string(item), "label": .string(label), "version": .integer(Int64(version)),
            "annotators": .array(annotators.map(JSON.string)),
        ]
    }
}

/// The annotated data library 数据标注库 (S12).
package enum AnnotationLibrary {
    /// Enters a label set; a name entered again gets the next version.
    package static func enter(
        _ name: String, labels: [String], in writing: any SQLWriting
    ) throws(Problem) -> LabelSet {
        let distinct = Set(labels)
        guard distinct.count == labels.count, labels.count >= 2, !name.isEmpty else {
            throw Problem(.invalid, "collect.labels-unusable", ["set": .text(name)])
        }
        let version =
            try writing.count(
                "SELECT COALESCE(MAX(version), 0) FROM collect_label_set WHERE name = ?", [name]) + 1
        try writing.execute(
            "INSERT INTO collect_label_set (name, version, labels, entered_at) VALUES (?, ?, ?, ?)",
            [name, version, JSON.array(labels.map(JSON.string)), writing.now])
        return LabelSet(name: name, version: Int(version), labels: labels)
    }

    /// A label set by name, the newest version unless one is named; `collect.labels-missing` where there is none.
    package static func set(
        _ name: String, version: Int? = nil, in reading: any SQLReading
    ) throws(Problem) -> LabelSet {
        let found = try reading.first(
            """
            SELECT version, labels FROM collect_label_set WHERE name = ? AND (? IS NULL OR version = ?)
            ORDER BY version DESC LIMIT 1
            """,
            [name, version, version]
        ) { row throws(Problem) in
            LabelSet(
                name: name, version: try row.int(0), labels: (try row.json(1).array ?? []).compactMap(\.text))
        }
        guard let found else { throw Problem(.missing, "collect.labels-missing", ["set": .text(name)]) }
        return found
    }

    /// Takes one annotator's label of an item. Two annotators label an item; a third may do so only where they
    /// disagree, and nobody twice: `collect.label-taken`, `collect.item-settled`.
    package static func label(
        _ item: String, as label: String, by annotator: String, set: LabelSet, in writing: any SQLWriting
    ) throws(Problem) {
        guard set.labels.contains(label) else {
            throw Problem(
                .invalid, "collect.label-unknown",
                [
                    "label": .text(label), "set": .text("\(set.name) \(set.version)"),
                    "known": .list(set.labels),
                ])
        }
        let given = try labels(of: item, set, in: writing)
        guard !given.contains(where: { $0.annotator == annotator }) else {
            throw Problem(
                .conflict, "collect.label-taken", ["item": .text(item), "person": .text(annotator)])
        }
        guard given.count < 2 || (given.count == 2 && given[0].label != given[1].label) else {
            throw Problem(.conflict, "collect.item-settled", ["item": .text(item)])
        }
        try writing.execute(
            """
            INSERT INTO collect_label (set_name, set_version, item, annotator, label, labelled_at)
            VALUES (?, ?, ?, ?, ?, ?)
            """,
            [set.name, set.version, item, annotator, label, writing.now])
    }

    /// The agreement of two annotators over the items both labelled.
    package static func agreement(
        of first: String, and second: String, set: LabelSet, in reading: any SQLReading
    ) throws(Problem) -> AnnotatorAgreement {
        AnnotatorAgreement(
            try reading.all(
                """
                SELECT a.label, b.label FROM collect_label a JOIN collect_label b
                ON a.set_name = b.set_name AND a.set_version = b.set_version AND a.item = b.item
                WHERE a.set_name = ? AND a.set_version = ? AND a.annotator = ? AND b.annotator = ? ORDER BY a.item
                """,
                [set.name, set.version, first, second]
            ) { row throws(Problem) in (try row.text(0), try row.text(1)) })
    }

    /// Items whose two labels differ and that wait for a third person.
    package static func disagreements(set: LabelSet, in reading: any SQLReading) throws(Problem) -> [String] {
        try reading.all(
            """
            SELECT item FROM collect_label WHERE set_name = ? AND set_version = ? GROUP BY item
            HAVING count(*) = 2 AND count(DISTINCT label) = 2 ORDER BY item
            """,
            [set.name, set.version]
        ) { row throws(Problem) in try row.text(0) }
    }

    /// Accepted labels alone, each with whoever gave it: where two of at most three annotators agree.
    package static func export(set: LabelSet, in reading: any SQLReading) throws(Problem) -> [AcceptedLabel] {
        let rows = try reading.all(
            """
            SELECT item, label, annotator FROM collect_label WHERE set_name = ? AND set_version = ?
            ORDER BY item, labelled_at, annotator
            """,
            [set.name, set.version]
        ) { row throws(Problem) in (item: try row.text(0), label: try row.text(1), annotator: try row.text(2))
        }
        return Dictionary(grouping: rows, by: \.item).sorted { $0.key < $1.key }.compactMap { item, given in
            let groups = Dictionary(grouping: given, by: \.label)
            guard let (label, group) = groups.first(where: { $0.value.count >= 2 }) else { return nil }
            return AcceptedLabel(
                item: item, label: label, annotators: group.map(\.annotator), version: set.version)
        }
    }

    private static func labels(
        of item: String, _ set: LabelSet, in reading: any SQLReading
    ) throws(Problem) -> [(annotator: String, label: String)] {
        try reading.all(
            """
            SELECT annotator, label FROM collect_label WHERE set_name = ? AND set_version = ? AND item = ?
            ORDER BY labelled_at, annotator
            """,
            [set.name, set.version, item]
        ) { row throws(Problem) in (try row.text(0), try row.text(1)) }
    }
}
