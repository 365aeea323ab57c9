// SPDX-License-Identifier: Apache-2.0

import Packs
import Primitives
import Testing

@Suite("The schemas of packs")
struct SchemaTests {
    @Test(
        "docs/schema holds the schema of each kind of file as the code has it",
        arguments: PackJSONSchema.allCases)
    func published(_ schema: PackJSONSchema) throws {
        try Golden.compare(schema.document.prettyText + "\n", with: "docs/schema/" + schema.fileName)
    }
}
