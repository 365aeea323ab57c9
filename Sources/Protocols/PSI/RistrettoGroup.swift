// SPDX-License-Identifier: Apache-2.0
//
// Specification: RFC 9496; hash to the group as RFC 9380 appendix B (expand_message_xmd with SHA-512, 64 bytes).
// Adversary, secrets, leaks, timing: as Ristretto255 and DiffieHellmanMatch. Vectors: Tests/PSITests.

import Crypto
import Curves
package import Oblivious

/// ristretto255 for Diffie–Hellman matches: a prime-order group with a standard of its own, for audits and small
/// sets. One element at a time, in portable Swift.
package enum RistrettoGroup: MatchGroup {
    package struct Scalar: Sendable {
        let value: Scalar25519
    }

    package static func scalar(using generator: inout some RandomNumberGenerator) -> Scalar {
        Scalar(value: .random(using: &generator))
    }

    private static let expander = MessageExpander<SHA512>(domain: Array("HUTONG-PSI-V1-ristretto255".utf8))

    package static func mask(_ items: [Block], by scalar: Scalar) -> [UInt8] {
        items.flatMap { item in
            Ristretto255(uniform: expander.expand(item.littleEndian, count: 64)).multiplied(by: scalar.value)
                .encoding
        }
    }

    package static func multiply(_ points: [UInt8], by scalar: Scalar) -> [UInt8]? {
        var products: [UInt8] = []
        products.reserveCapacity(points.count)
        for start in stride(from: 0, to: points.count, by: 32) {
            let bytes = points[start..<start + 32]
            // The neutral element, all zeros, is no honest mask.
            guard let point = Ristretto255(encoding: bytes), bytes.contains(where: { $0 != 0 }) else {
                return nil
            }
            products += point.multiplied(by: scalar.value).encoding
        }
        return products
    }
}
