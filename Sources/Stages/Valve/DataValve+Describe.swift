// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Primitives
package import Register
package import Store
import Transparency

extension DataValve {
    /// Lets metadata of an asset out, or throws `valve.closed`: the `describe` door needs no agreement, and hears every
    /// closure as the others do. Each use is counted; the first of an hour, asset and asker is a leaf in the log.
    package func describe(
        _ asset: DataAsset, to asker: Party, in transaction: any SQLWriting
    ) throws(Problem) {
        try requireOpen(
            ["node", asset.code.text, asker.code.text, "country:" + asker.jurisdiction], in: transaction)
        guard try DescriptionBook.note(asset.code.text, asker.id, in: transaction) else { return }
        let content: JSON = [
            "door": "describe", "asset": .string(asset.code.text), "asker": .string(asker.code.text),
        ]
        _ = try log.append(LogEntry(.passageAnswered, subject: asset.code, content: content), in: transaction)
    }
}
