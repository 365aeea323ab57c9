// SPDX-License-Identifier: Apache-2.0
//
// Specification: exponential ElGamal (Cramer, Gennaro, Schoenmakers 1997) over ristretto255 with a key shared by two
// sides, as in Ion et al. 2019 ("On Deploying Secure Computation", §4) with the key joined so that neither opens alone.
// Adversary: semi-honest. Secret: both key shares, values, randomness. Leaks by design: nothing; a side that chooses its
// share after seeing the other's could know the joint key, which the semi-honest model excludes.
// Timing: as RistrettoFixedBase; opening a sum searches a table whose keys are public to the side that opens.
// Vectors: round trips and sums against plain integers in Tests/PSITests.

import Curves

/// One side's share of a joint key.
package struct JointKeyShare: Sendable {
    let secret: Scalar25519

    /// - Parameter seed: 64 secret bytes; the same seed opens what was sealed under it before.
    package init(seed: [UInt8]) {
        precondition(seed.count == 64, "a share is made of 64 bytes")
        secret = Scalar25519(wideLittleEndian: seed)
    }

    init(using generator: inout some RandomNumberGenerator) { secret = .random(using: &generator) }

    var publicPart: Ristretto255 { JointCipher.base.multiplied(by: secret) }

    /// Takes this share's mask off: after both have, only value·G is left.
    func unmasked(_ cipher: JointCipher) -> JointCipher {
        JointCipher(first: cipher.first, second: cipher.second + -cipher.first.multiplied(by: secret))
    }

    /// A sum beyond this magnitude is not searched for.
    package static var sumMost: Int64 { SmallLogarithm.most }

    /// The value of a cipher from which the other side's mask was taken, if its magnitude is at most `most`.
    ///
    /// Cost: about 2^16 additions and encodings, and one for each 2^17 of `most`.
    package func open(_ bytes: [UInt8], most: Int64) -> Int64? {
        guard let cipher = JointCipher(bytes: bytes), most <= SmallLogarithm.most else { return nil }
        return SmallLogarithm.shared.value(of: unmasked(cipher).second, most: most)
    }
}

/// A number hidden under a joint key, added to others without opening.
struct JointCipher: Sendable {
    static let byteCount = 64
    static let base = RistrettoFixedBase(.generator)

    let first, second: Ristretto255

    static let zero = JointCipher(first: .identity, second: .identity)

    init(first: Ristretto255, second: Ristretto255) {
        (self.first, self.second) = (first, second)
    }

    /// Hides a value under the key whose multiples `key` has.
    init(
        _ value: Int64, under key: RistrettoFixedBase, using generator: inout some RandomNumberGenerator
    ) {
        let mask = Scalar25519.random(using: &generator)
        first = Self.base.multiplied(by: mask)
        second = key.multiplied(by: mask) + Self.base.multiplied(by: Self.scalar(value))
    }

    init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount, let first = Ristretto255(encoding: Array(bytes.prefix(32))),
            let second = Ristretto255(encoding: Array(bytes.suffix(32)))
        else { return nil }
        self.init(first: first, second: second)
    }

    var bytes: [UInt8] { first.encoding + second.encoding }

    static func + (x: JointCipher, y: JointCipher) -> JointCipher {
        JointCipher(first: x.first + y.first, second: x.second + y.second)
    }

    /// value mod ℓ: |value|, and its negative, of which the sign chooses one by arithmetic.
    private static func scalar(_ value: Int64) -> Scalar25519 {
        var bytes = [UInt8](repeating: 0, count: 64)
        for place in 0..<8 { bytes[place] = UInt8(truncatingIfNeeded: value >> Int64(8 * place)) }
        let low = Scalar25519(wideLittleEndian: bytes)  // value mod 2^64
        var borrow = [UInt8](repeating: 0, count: 64)
        borrow[8] = UInt8(truncatingIfNeeded: value >> 63) & 1  // 2^64 for a negative value
        return low - Scalar25519(wideLittleEndian: borrow)
    }
}

/// Finds small v from v·G: baby steps in a table, giant steps from the value.
struct SmallLogarithm: Sendable {
    /// Larger sums are refused in the plan: two seconds at most.
    static let most: Int64 = 1 << 34
    static let shared = SmallLogarithm()

    private static let babies = 1 << 16
    private var places: [UInt64: Int32] = [:]

    private init() {
        places.reserveCapacity(Self.babies)
        var point = Ristretto255.identity
        for place in 0..<Self.babies {
            places[Self.key(point)] = Int32(place)
            point = point + .generator
        }
    }

    /// v with |v| ≤ most, or `nil`.
    func value(of point: Ristretto255, most: Int64) -> Int64? {
        let step = Ristretto255.generator.multiplied(by: Self.scalar(UInt64(Self.babies)))
        // point + most·G lies in 0…2·most.
        var current = point + Ristretto255.generator.multiplied(by: Self.scalar(UInt64(most)))
        let giant = -step
        for round in 0...(2 * most / Int64(Self.babies)) {
            if let place = places[Self.key(current)] {
                let value = round * Int64(Self.babies) + Int64(place) - most
                guard abs(value) <= most else { return nil }
                // Eight bytes may collide; the value is checked.
                let expected = Ristretto255.generator.multiplied(by: Self.scalar(UInt64(abs(value))))
                if (value < 0 ? -expected : expected).encoding == point.encoding { return value }
            }
            current = current + giant
        }
        return nil
    }

    private static func scalar(_ value: UInt64) -> Scalar25519 {
        Scalar25519(
            wideLittleEndian: (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
                + [UInt8](repeating: 0, count: 56))
    }

    private static func key(_ point: Ristretto255) -> UInt64 {
        point.encoding.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
