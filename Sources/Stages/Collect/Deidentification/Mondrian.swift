// SPDX-License-Identifier: Apache-2.0

/// Mondrian multidimensional partitioning (LeFevre, DeWitt, Ramakrishnan 2006): splits a table at medians as long
/// as every part keeps k rows, ℓ different sensitive values and a sensitive distribution within t of the whole.
///
/// Rows are codes: for each quasi-identifier the rank of its value, then the code of the sensitive value, then the
/// row's place; 4 bytes each, one after the other, partitioned in place. Cost: about one pass over all codes for
/// each doubling of the number of parts; memory is that of the codes.
struct Mondrian {
    struct Demand: Hashable, Sendable {
        var k: Int
        var l = 1
        /// Greatest distance (total variation) of a part's sensitive distribution from the table's; 1 asks nothing.
        var t = 1.0
    }

    /// One part: rows that look alike afterwards.
    struct Part: Hashable, Sendable {
        let rows: Range<Int>
        let least: [Int32]
        let greatest: [Int32]
    }

    private(set) var codes: [Int32]
    let stride: Int
    let quasiCount: Int
    private let demand: Demand
    private let domainSizes: [Int32]
    private let overall: [Double]

    /// `codes` holds rows of `quasiCount` + 2 codes; `sensitiveCount` is 0 where no column is sensitive.
    init(codes: [Int32], quasiCount: Int, domainSizes: [Int32], sensitiveCount: Int, demand: Demand) {
        self.codes = codes
        self.quasiCount = quasiCount
        self.domainSizes = domainSizes
        self.demand = demand
        stride = quasiCount + 2
        var overall = [Double](repeating: 0, count: sensitiveCount)
        let rowCount = codes.count / stride
        if sensitiveCount > 0 {
            for row in 0..<rowCount { overall[Int(codes[row * stride + quasiCount])] += 1 / Double(rowCount) }
        }
        self.overall = overall
    }

    var rowCount: Int { codes.count / stride }

    /// The row's place in the table, after `partition`.
    func place(_ row: Int) -> Int { Int(codes[row * stride + quasiCount + 1]) }

    /// Partitions everything. Empty where even the whole table does not meet the demand.
    mutating func partition() -> [Part] {
        guard rowCount > 0, isAllowed(0..<rowCount) else { return [] }
        var parts: [Part] = []
        var open: [Range<Int>] = [0..<rowCount]
        while let rows = open.popLast() {
            let (least, greatest) = bounds(rows)
            if let middle = split(rows, least, greatest) {
                open.append(middle..<rows.upperBound)
                open.append(rows.lowerBound..<middle)
            } else {
                parts.append(Part(rows: rows, least: least, greatest: greatest))
            }
        }
        return parts
    }

    private func bounds(_ rows: Range<Int>) -> ([Int32], [Int32]) {
        var least = [Int32](repeating: .max, count: quasiCount)
        var greatest = [Int32](repeating: .min, count: quasiCount)
        for row in rows {
            for dimension in 0..<quasiCount {
                let code = codes[row * stride + dimension]
                least[dimension] = min(least[dimension], code)
                greatest[dimension] = max(greatest[dimension], code)
            }
        }
        return (least, greatest)
    }

    /// Tries the dimensions from the widest on; returns where the second half begins.
    private mutating func split(_ rows: Range<Int>, _ least: [Int32], _ greatest: [Int32]) -> Int? {
        guard rows.count >= 2 * demand.k else { return nil }
        let widths = (0..<quasiCount).map { dimension in
            Double(greatest[dimension] - least[dimension]) / Double(max(1, domainSizes[dimension] - 1))
        }
        for dimension in (0..<quasiCount).sorted(by: { (widths[$1], $0) < (widths[$0], $1) }) {
            guard widths[dimension] > 0 else { return nil }
            let cut = median(rows, dimension, least[dimension], greatest[dimension])
            guard let cut else { continue }
            let middle = move(rows, dimension, below: cut)
            if isAllowed(rows.lowerBound..<middle), isAllowed(middle..<rows.upperBound) { return middle }
        }
        return nil
    }

    /// The first code of the upper half: counted, not sorted. `nil` where no cut leaves k rows on both sides.
    private func median(_ rows: Range<Int>, _ dimension: Int, _ least: Int32, _ greatest: Int32) -> Int32? {
        var counts = [Int](repeating: 0, count: Int(greatest - least) + 1)
        for row in rows { counts[Int(codes[row * stride + dimension] - least)] += 1 }
        var below = 0
        var best: (cut: Int32, imbalance: Int)?
        for (offset, count) in counts.enumerated().dropLast() {
            below += count
            guard count > 0, below >= demand.k, rows.count - below >= demand.k else { continue }
            let imbalance = abs(rows.count - 2 * below)
            if imbalance < best?.imbalance ?? .max { best = (least + Int32(offset) + 1, imbalance) }
        }
        return best?.cut
    }

    /// Brings the rows with a code below `cut` to the front; returns how far they reach.
    private mutating func move(_ rows: Range<Int>, _ dimension: Int, below cut: Int32) -> Int {
        var low = rows.lowerBound
        var high = rows.upperBound
        while low < high {
            if codes[low * stride + dimension] < cut {
                low += 1
            } else {
                high -= 1
                for place in 0..<stride { codes.swapAt(low * stride + place, high * stride + place) }
            }
        }
        return low
    }

    private func isAllowed(_ rows: Range<Int>) -> Bool {
        guard rows.count >= demand.k else { return false }
        guard !overall.isEmpty, demand.l > 1 || demand.t < 1 else { return true }
        var counts = [Int](repeating: 0, count: overall.count)
        for row in rows { counts[Int(codes[row * stride + quasiCount])] += 1 }
        guard counts.count(where: { $0 > 0 }) >= demand.l else { return false }
        let distance = zip(counts, overall).reduce(0.0) { sum, pair in
            sum + abs(Double(pair.0) / Double(rows.count) - pair.1)
        }
        return distance / 2 <= demand.t
    }
}
