// SPDX-License-Identifier: Apache-2.0
//
// Specification: storage. Adversary: none. Secret: the content, erased on release. Leaks by design: nothing.
// Timing: not applicable. Vectors: through its users.

import Glibc
import Synchronization

/// A fixed row of blocks on large pages, zero at first and erased at the end.
///
/// Owned and used by one task at a time.
// SAFETY: every access checks its bounds, and a row is handed from step to step of one run, never shared.
@safe package final class Blocks: @unchecked Sendable {
    package let count: Int
    let base: UnsafeMutablePointer<Block>
    private let byteCount: Int

    package init(count: Int) {
        self.count = count
        byteCount = max(64, 16 * count)
        // SAFETY: zeroed memory of at least byteCount bytes, aligned for Block; given back in deinit alone.
        let raw = unsafe BlockMemory.take(byteCount)
        unsafe base = raw.bindMemory(to: Block.self, capacity: max(4, count))
    }

    package convenience init(_ elements: [Block]) {
        self.init(count: elements.count)
        for (place, element) in elements.enumerated() { self[place] = element }
    }

    deinit {
        // SAFETY: the memory is ours and nobody else's.
        unsafe BlockMemory.give(base, byteCount)
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

    /// A copy of the first `count` blocks.
    package func prefix(_ count: Int) -> Blocks {
        precondition(count <= self.count)
        let copy = Blocks(count: count)
        unsafe memcpy(copy.base, base, 16 * count)  // SAFETY: count blocks are inside both.
        return copy
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

    /// Splits pairs into their first and second blocks, `count` of each.
    func unzipped(count: Int) -> (Blocks, Blocks) {
        precondition(2 * count <= self.count)
        let (first, second) = (Blocks(count: count), Blocks(count: count))
        for place in 0..<count {
            // SAFETY: inside all three, just checked.
            unsafe first.base[place] = base[2 * place]
            unsafe second.base[place] = base[2 * place + 1]
        }
        return (first, second)
    }
}

/// Where large rows come from: memory is erased when given back and kept for the next row, because the kernel takes
/// longer to clear fresh pages than some protocol steps last (2026-11: two fifths of a party's time before).
///
/// Owns the pages that wait for reuse, at most `keptBytesMax`.
private enum BlockMemory {
    static let keptBytesMax = 1 << 29
    private static let largeBytesMin = 1 << 16
    private static let hugePageBytes = 2 << 20

    private struct Kept {
        var places: [Int: [UInt]] = [:]
        var byteCount = 0
    }
    private static let kept = Mutex(Kept())

    /// Eight sizes an octave, so that rows of nearly one size share memory.
    private static func size(_ byteCount: Int) -> Int {
        let step = max(4096, 1 << (Int.bitWidth - byteCount.leadingZeroBitCount - 4))
        return (byteCount + step - 1) / step * step
    }

    static func take(_ byteCount: Int) -> UnsafeMutableRawPointer {
        guard byteCount >= largeBytesMin else {
            let raw = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
            unsafe memset(raw, 0, byteCount)  // SAFETY: byteCount fresh bytes.
            return unsafe raw
        }
        let size = size(byteCount)
        let place = kept.withLock { kept -> UInt? in
            guard let place = kept.places[size]?.popLast() else { return nil }
            kept.byteCount -= size
            return place
        }
        // SAFETY: a place in the pool is memory of this size that nobody uses.
        if let place, let raw = unsafe UnsafeMutableRawPointer(bitPattern: place) { return unsafe raw }
        let isHuge = size >= 2 * hugePageBytes
        let raw = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: isHuge ? hugePageBytes : 4096)
        // Large pages: random reads of the code's expander otherwise miss the TLB (2026-11: four times slower).
        if isHuge { _ = unsafe madvise(raw, size, MADV_HUGEPAGE) }
        unsafe memset(raw, 0, size)  // SAFETY: size fresh bytes.
        return unsafe raw
    }

    static func give(_ raw: UnsafeMutableRawPointer, _ byteCount: Int) {
        // SAFETY: byteCount bytes are ours; explicit_bzero is never removed by the optimizer.
        unsafe explicit_bzero(raw, byteCount)
        let size = size(byteCount)
        let isKept =
            byteCount >= largeBytesMin
            && kept.withLock { kept in
                guard kept.byteCount + size <= keptBytesMax else { return false }
                kept.byteCount += size
                kept.places[size, default: []].append(UInt(bitPattern: raw))
                return true
            }
        if !isKept { unsafe raw.deallocate() }  // SAFETY: nobody else holds it.
    }
}
