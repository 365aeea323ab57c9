// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// What a profile is to hold beyond counts, extremes, means and quantiles.
package struct ProfilePlan: Hashable, Sendable {
    /// Bars of a numeric column's histogram; 0 for none.
    package let histogramBars: Int
    /// The most frequent values of each column to keep; 0 for none. Never filled for `describe` of a
    /// compute-only table: a public list of values would break its privacy budget.
    package let frequentValues: Int

    package init(histogramBars: Int = 20, frequentValues: Int = 5) {
        self.histogramBars = histogramBars
        self.frequentValues = frequentValues
    }
}

/// Statistics of a table.
package struct TableProfile: Hashable, Sendable {
    package let rowCount: Int64
    package let columns: [ColumnProfile]

    package init(rowCount: Int64, columns: [ColumnProfile]) {
        self.rowCount = rowCount
        self.columns = columns
    }

    /// The same profile without any value of the named columns: counts and types remain.
    package func withoutValues(of names: Set<String>) -> TableProfile {
        TableProfile(
            rowCount: rowCount,
            columns: columns.map { profile in
                guard names.contains(profile.column.name) else { return profile }
                var bare = ColumnProfile(column: profile.column, nullCount: profile.nullCount)
                bare.approximateDistinct = profile.approximateDistinct
                return bare
            })
    }

    package var json: JSON {
        ["rows": .integer(rowCount), "columns": .array(columns.map(\.json))]
    }
}

/// Statistics of one column. Texts are compared by their UTF-8 bytes.
package struct ColumnProfile: Hashable, Sendable {
    package struct Quantile: Hashable, Sendable {
        package let share: Double
        package let value: Double

        package init(share: Double, value: Double) {
            self.share = share
            self.value = value
        }
    }

    package struct Frequency: Hashable, Sendable {
        package let value: String
        package let count: Int64

        package init(value: String, count: Int64) {
            self.value = value
            self.count = count
        }
    }

    /// Bars of equal width over `least ... greatest`.
    package struct Histogram: Hashable, Sendable {
        package let least: Double
        package let greatest: Double
        package let counts: [Int64]

        package init(least: Double, greatest: Double, counts: [Int64]) {
            self.least = least
            self.greatest = greatest
            self.counts = counts
        }
    }

    package let column: Column
    package let nullCount: Int64
    /// HyperLogLog, a few percent off.
    package var approximateDistinct: Int64 = 0
    package var least: TableValue = .null
    package var greatest: TableValue = .null
    package var mean: Double?
    /// Of the sample (n − 1).
    package var deviation: Double?
    /// By a t-digest.
    package var approximateQuantiles: [Quantile] = []
    package var histogram: Histogram?
    /// Most frequent first; counts are exact among the values kept.
    package var frequent: [Frequency] = []
    /// Shapes of values, `9` for digits, `a` for letters, `中` for Han characters, by a sample of the rows.
    package var patterns: [Frequency] = []

    package init(column: Column, nullCount: Int64) {
        self.column = column
        self.nullCount = nullCount
    }

    package var json: JSON {
        func frequencies(_ list: [Frequency]) -> JSON {
            .array(list.map { ["value": .string($0.value), "count": .integer($0.count)] })
        }
        var members: [String: JSON] = [
            "name": .string(column.name), "type": .string(column.type.name), "nulls": .integer(nullCount),
            "approxDistinct": .integer(approximateDistinct), "min": least.json, "max": greatest.json,
            "frequent": frequencies(frequent), "patterns": frequencies(patterns),
        ]
        if let mean { members["mean"] = .number(mean) }
        if let deviation { members["std"] = .number(deviation) }
        if !approximateQuantiles.isEmpty {
            members["approxQuantiles"] = .array(
                approximateQuantiles.map { ["share": .number($0.share), "value": .number($0.value)] })
        }
        if let histogram {
            members["histogram"] = [
                "min": .number(histogram.least), "max": .number(histogram.greatest),
                "counts": .array(histogram.counts.map(JSON.integer)),
            ]
        }
        return .object(members)
    }
}
