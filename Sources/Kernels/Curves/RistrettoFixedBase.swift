// SPDX-License-Identifier: Apache-2.0
//
// Specification: windows of four bits with all multiples of one base at hand (Brauer); the group is Ristretto255's.
// Adversary: as the caller's. Secret: scalars. Leaks by design: nothing.
// Timing: 64 windows; each reads all sixteen entries with masks and adds one. The base is public.
// Vectors: Tests/PSITests compares with `Ristretto255.multiplied(by:)`.

/// A base that many scalars are multiplied with: no doublings, a third of the time.
package struct RistrettoFixedBase: Sendable {
    private let windows: [[Ristretto255]]

    package init(_ base: Ristretto255) {
        var windows: [[Ristretto255]] = []
        var step = base
        for _ in 0..<64 {
            var multiples = [Ristretto255.identity]
            for place in 1..<16 { multiples.append(multiples[place - 1] + step) }
            windows.append(multiples)
            step = multiples[15] + step
        }
        self.windows = windows
    }

    /// scalar·base.
    package func multiplied(by scalar: Scalar25519) -> Ristretto255 {
        var result = Ristretto255.identity
        for (place, byte) in scalar.littleEndian.enumerated() {
            result = result + Ristretto255.pick(UInt64(byte & 15), from: windows[2 * place])
            result = result + Ristretto255.pick(UInt64(byte >> 4), from: windows[2 * place + 1])
        }
        return result
    }
}
