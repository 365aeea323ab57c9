// SPDX-License-Identifier: Apache-2.0

import Primitives

extension DeliveryService {
    /// The signer of short-lived addresses under `base`.
    package func links(at base: String) -> SignedLinks {
        SignedLinks(key: Redacted(code("links").bytes), base: base)
    }

    /// A written file by the name in its address; `nil` where it is gone.
    package func file(named name: String) -> DeliveredFile? {
        let parts = name.split(separator: ".")
        guard parts.count == 2, Digest(hex: parts[0]) != nil, let form = FileForm(rawValue: String(parts[1]))
        else { return nil }
        return FileWriter.described("\(writer.folder)/\(name)", form)
    }
}
