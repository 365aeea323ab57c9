// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives
import Store
import StoreSQLite
import Synchronization

/// A folder that goes away with the test.
final class Place: Sendable {
    let folder: String

    init() {
        folder = NSTemporaryDirectory() + "hutong-store-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    var database: String { folder + "/node.sqlite" }

    func open(limits: WriterLimits = WriterLimits(), clock: ManualClock = ManualClock()) throws -> SQLiteStore {
        try SQLiteStore.open(at: database, clock: clock.wall, limits: limits)
    }
}

/// A clock that tests move by hand.
final class ManualClock: Sendable {
    private let microseconds: Mutex<Int64>

    init(_ start: Int64 = 1_700_000_000_000_000) { microseconds = Mutex(start) }

    func move(by amount: Int64) { microseconds.withLock { $0 += amount } }

    var wall: WallClock {
        WallClock { [self] in Instant(microseconds: microseconds.withLock { $0 }) }
    }
}
