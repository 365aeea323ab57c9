// SPDX-License-Identifier: Apache-2.0

import Ledger
import Primitives
import Store
import Transparency

/// What other rooms check about their rows, for `fsck` and `verify`.
enum DataChecks {
    static let all: [any DataCheck] = [BooksCheck()]
}

/// Balances follow from transfers, debits equal credits.
private struct BooksCheck: DataCheck {
    let name = "ledger"

    func findings(in reading: any SQLReading) throws(Problem) -> [Finding] {
        try Books.faults(in: reading).map { Finding("ledger", LocalizedText($0)) }
    }
}
