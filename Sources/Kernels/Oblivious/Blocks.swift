// SPDX-License-Identifier: Apache-2.0
//
// Specification: storage. Adversary: none. Secret: the content, erased on release. Leaks by design: nothing.
// Timing: not applicable. Vectors: through its users.

import Glibc
import Synchronization

/// A row of blocks, zero at first and erased at the end.
///
/// Owned and used by one task at a time.
// SAFETY: every access checks its bounds, and a row is handed from step to step of one run, never shared.
@safe package final class Blocks: @unchecked Sendable {
    package var count: Int { unsafe kept }
    // SAFETY: one task at a time reads and writes it (above); a check of that would cost more than most loops' work.
    @exclusivity(unchecked) private var kept: Int
    let base: UnsafeMutablePointer<Block>
    private let memory: BlockMemory.Piece

    /// - Parameter isScattered: whether it will be read all over the place: then it lies on large pages.
    package init(count: Int, isScattered: Bool = false) {
        unsafe kept = count
        memory = BlockMemory.take(max(64, 16 * count), isScattered: isScattered)
        // SAFETY: zeroed memory of at least that many bytes, aligned for Block; given back in deinit alone.
        unsafe base = memory.start.bindMemory(to: Block.self, capacity: max(4, count))
    }

    /// Keeps the first `count` blocks; the memory behind them stays until the end.
    package func shorten(to count: Int) {
        precondition(count >= 0 && count <= self.count)
        unsafe kept = count  // SAFETY: as its declaration says.
    }

    package convenience init(_ elements: [Block]) {
        self.init(count: elements.count)
        for (place, element) in elements.enumerated() { self[place] = element }
    }

    deinit {
        BlockMemory.give(memory)
    }

    package subscript(place: Int) -> Block {
        get {
            precondition(place >= 0 && place < count)
            return unsafe base[place]  // SAFETY: inside, just checked.
        }
        set {
            precondition(place >= 0 && place < count)
            unsafe base[place] = newValue  // SAFETY: inside, just checked.
        }
    }

    /// Adds another row of the same length.
    package func add(_ other: Blocks, from start: Int = 0) {
        precondition(start >= 0 && start + other.count <= count)
        // SAFETY: both ranges are inside, just checked.
        for place in 0..<other.count { unsafe base[start + place] ^= other.base[place] }
    }

    /// The first `width` bytes of each block, one after the other (little-endian).
    package func bytes(width: Int = 16) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: width * count) { buffer, filled in
            guard let to = buffer.baseAddress else { return }
            // SAFETY: width × count bytes fit the buffer; each copy reads inside one block.
            for place in 0..<count { unsafe memcpy(to + width * place, base + place, width) }
            filled = width * count
        }
    }

    /// Blocks from what `bytes(width:)` wrote, upper bytes zero.
    package convenience init(bytes: [UInt8], width: Int = 16) {
        self.init(count: bytes.count / width)
        unsafe bytes.withUnsafeBytes { from in
            guard let start = from.baseAddress else { return }
            // SAFETY: count × width bytes are inside `from`; each copy writes inside one zeroed block.
            for place in 0..<count { unsafe memcpy(base + place, start + width * place, width) }
        }
    }

    /// The bytes of `count` blocks from `start`, little-endian.
    package func bytes(from start: Int, count: Int) -> [UInt8] {
        precondition(start >= 0 && count >= 0 && start + count <= self.count)
        return unsafe [UInt8](unsafeUninitializedCapacity: 16 * count) { buffer, filled in
            // SAFETY: 16 × count bytes are inside both; a row of none has nothing to copy.
            if let to = buffer.baseAddress { unsafe memcpy(to, base + start, 16 * count) }
            filled = 16 * count
        }
    }

    /// Takes whole blocks from what the above wrote, to `start` and behind.
    package func take(_ bytes: ArraySlice<UInt8>, at start: Int) {
        precondition(start >= 0 && bytes.count.isMultiple(of: 16) && start + bytes.count / 16 <= count)
        unsafe bytes.withUnsafeBytes { from in
            // SAFETY: as many bytes are inside both, just checked.
            if let from = from.baseAddress { unsafe memcpy(base + start, from, bytes.count) }
        }
    }

    /// The lowest bits of `count` blocks from `start`, 64 to a word.
    package func lowBits(from start: Int, count: Int) -> [UInt64] {
        precondition(start >= 0 && count.isMultiple(of: 64) && start + count <= self.count)
        return (0..<count / 64).map { word in
            // SAFETY: the range is inside, just checked.
            (0..<64).reduce(0) { unsafe $0 | (base[start + 64 * word + $1].x & 1) << UInt64($1) }
        }
    }

    /// Sets the lowest bit of every block to zero.
    func clearLowBits() {
        for place in 0..<count { unsafe base[place].x &= ~1 }  // SAFETY: inside.
    }

    /// Sums of the blocks at even and at odd places from `start`.
    func paritySums(from start: Int, count: Int) -> (Block, Block) {
        precondition(start >= 0 && start + count <= self.count)
        var sums = (Block(), Block())
        // SAFETY: the range is inside, just checked.
        for place in stride(from: start, to: start + count - 1, by: 2) {
            unsafe sums.0 ^= base[place]
            unsafe sums.1 ^= base[place + 1]
        }
        if count % 2 == 1 { unsafe sums.0 ^= base[start + count - 1] }
        return sums
    }
}

/// Where large rows come from: memory is erased when given back and kept for the next row, because the kernel takes
/// longer to clear fresh pages than some protocol steps last (2026-11: two fifths of a party's time before).
///
/// Owns the pages that wait for reuse, at most `keptBytesMax`.
private enum BlockMemory {
    /// Zeroed bytes of one row; what is behind `byteCount`, up to `capacity`, is never written.
    // SAFETY: only `take` makes one, of memory that `give` gets back.
    @safe struct Piece {
        let start: UnsafeMutableRawPointer
        let byteCount: Int
        let capacity: Int
        let isScattered: Bool
    }

    static let keptBytesMax = 1 << 29
    private static let largeBytesMin = 1 << 16
    private static let hugePageBytes = 2 << 20

    private struct Kept {
        /// Address and capacity of pieces on ordinary and on large pages.
        var ordinary: [(place: UInt, capacity: Int)] = []
        var scattered: [(place: UInt, capacity: Int)] = []
        var byteCount = 0

        /// The smallest kept piece that holds `byteCount` bytes and not more than half as many again.
        mutating func take(_ byteCount: Int, isScattered: Bool) -> (place: UInt, capacity: Int)? {
            let kept = isScattered ? scattered : ordinary
            let fitting = kept.indices.filter { (byteCount...byteCount * 3 / 2).contains(kept[$0].capacity) }
            guard let best = fitting.min(by: { kept[$0].capacity < kept[$1].capacity }) else { return nil }
            self.byteCount -= kept[best].capacity
            return isScattered ? scattered.remove(at: best) : ordinary.remove(at: best)
        }
    }
    private static let kept = Mutex(Kept())

    static func take(_ byteCount: Int, isScattered: Bool) -> Piece {
        guard byteCount >= largeBytesMin else {
            let raw = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
            unsafe memset(raw, 0, byteCount)  // SAFETY: byteCount fresh bytes.
            return unsafe Piece(start: raw, byteCount: byteCount, capacity: byteCount, isScattered: false)
        }
        let isHuge = isScattered && byteCount >= 2 * hugePageBytes
        // SAFETY: a place in the pool is memory of that capacity that nobody uses.
        if let (place, capacity) = kept.withLock({ $0.take(byteCount, isScattered: isHuge) }),
            let raw = unsafe UnsafeMutableRawPointer(bitPattern: place)
        {
            return unsafe Piece(start: raw, byteCount: byteCount, capacity: capacity, isScattered: isHuge)
        }
        // Random reads of the code's expander miss the TLB on small pages (2026-11: four times slower). What is read in
        // order does not, and a virtual machine may clear a large page far slower (2026-11: 0.5 against 2.4 GB/s).
        let raw = UnsafeMutableRawPointer.allocate(
            byteCount: byteCount, alignment: isHuge ? hugePageBytes : 4096)
        if isHuge { _ = unsafe madvise(raw, byteCount, MADV_HUGEPAGE) }
        unsafe memset(raw, 0, byteCount)  // SAFETY: byteCount fresh bytes.
        return unsafe Piece(start: raw, byteCount: byteCount, capacity: byteCount, isScattered: isHuge)
    }

    static func give(_ piece: Piece) {
        // SAFETY: byteCount bytes are ours; explicit_bzero is never removed by the optimizer.
        unsafe explicit_bzero(piece.start, piece.byteCount)
        let isKept =
            piece.capacity >= largeBytesMin
            && kept.withLock { kept in
                guard kept.byteCount + piece.capacity <= keptBytesMax else { return false }
                kept.byteCount += piece.capacity
                let entry = unsafe (place: UInt(bitPattern: piece.start), capacity: piece.capacity)
                if piece.isScattered { kept.scattered.append(entry) } else { kept.ordinary.append(entry) }
                return true
            }
        if !isKept { unsafe piece.start.deallocate() }  // SAFETY: nobody else holds it.
    }
}
