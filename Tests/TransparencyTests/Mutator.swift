// SPDX-License-Identifier: Apache-2.0

/// Makes foreign bytes out of valid ones: the seeded short form of a fuzzer.
enum Mutator {
    /// Always different from what it was given.
    static func mutate(_ bytes: [UInt8], using random: inout some RandomNumberGenerator) -> [UInt8] {
        var changed = bytes
        repeat {
            for _ in 0..<Int.random(in: 1...3, using: &random) { change(&changed, using: &random) }
        } while changed == bytes
        return changed
    }

    private static func change(_ bytes: inout [UInt8], using random: inout some RandomNumberGenerator) {
        guard !bytes.isEmpty else {
            bytes.append(UInt8.random(in: 0...255, using: &random))
            return
        }
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: bytes.remove(at: place)
        case 2: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
        case 3: bytes.removeSubrange(place...)
        case 4: bytes.insert(contentsOf: bytes[place...].prefix(40), at: place)
        default: bytes[place] = [0x0a, 0x20, 0x00, 0xff, 0x30].randomElement(using: &random) ?? 0
        }
    }
}
