// SPDX-License-Identifier: Apache-2.0

private import Foundation
package import Primitives

extension WallClock {
    /// The machine's clock: the one place where the program asks what time it is.
    package static let system = WallClock {
        var time = timespec()
        // SAFETY: `time` is a live local of the type the call fills.
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Instant(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }
}
