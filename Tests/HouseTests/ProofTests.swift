// SPDX-License-Identifier: Apache-2.0

import Primitives
import Testing

@Suite("The proofs of the noise")
struct ProofTests {
    @Test("the code of each mechanism is the code its proof was read against")
    func pinned() {
        let table = Checkout.text("Sources/Kernels/Noise/Proof.md").split(separator: "\n")
            .filter { $0.hasPrefix("| `Sources/") }
        var proved: Set<String> = []
        for line in table {
            let cells = line.split(separator: "|").map { $0.filter { $0 != "`" && $0 != " " } }
            guard cells.count == 3 else { continue }
            proved.insert(cells[0])
            let digits = Self.digits(of: Checkout.text(cells[0]))
            #expect(
                digits == cells[2],
                "\(cells[0]) changed: read \(cells[1]) of Proof.md again, then write `\(digits)` there")
        }
        let kernel = Checkout.swiftFiles.map(\.path).filter { $0.hasPrefix("Sources/Kernels/Noise/") }
        #expect(
            proved.isSuperset(of: kernel),
            "a file of the kernel has no proof: \(Set(kernel).subtracting(proved))")
    }

    /// Of the lines that do something, as the formatter may indent and a writer may comment them.
    static func digits(of code: String) -> String {
        let lines = code.split(separator: "\n").map { line in
            line.drop { $0 == " " }
        }.filter { !$0.isEmpty && !$0.hasPrefix("//") }
        return String(Digest(of: lines.joined(separator: "\n")).hex.prefix(16))
    }
}
