// SPDX-License-Identifier: Apache-2.0

import Primitives

extension Problem {
    static func tooManyTransfers(_ count: Int) -> Problem {
        Problem(
            .invalid, "ledger.transfers-too-many",
            ["count": .integer(Int64(count)), "most": .integer(Int64(Books.transfersMax))])
    }

    static func transferRefused(_ transfer: Transfer, _ status: TransferStatus) -> Problem {
        let code = Code(.transfer, transfer.id)
        let arguments: [String: Problem.Argument] = ["transfer": .code(code), "status": .text("\(status)")]
        return switch status {
        case .exceedsCredits, .exceedsDebits:
            Problem(.conflict, "ledger.balance-insufficient", arguments)
        case .pendingTransferExpired:
            Problem(.conflict, "ledger.hold-expired", arguments)
        case .pendingTransferAlreadyPosted, .pendingTransferAlreadyVoided:
            Problem(.conflict, "ledger.hold-resolved", arguments)
        case .debitAccountAlreadyClosed, .creditAccountAlreadyClosed:
            Problem(.conflict, "ledger.account-closed", arguments)
        case .debitAccountNotFound, .creditAccountNotFound, .pendingTransferNotFound:
            Problem(.missing, "ledger.transfer-refused", arguments)
        default:
            Problem(.conflict, "ledger.transfer-refused", arguments)
        }
    }

    static func accountRefused(_ account: Account, _ status: AccountStatus) -> Problem {
        Problem(
            .conflict, "ledger.account-refused",
            ["account": .code(Code(.account, account.id)), "status": .text("\(status)")])
    }

    static func bankFileMalformed(line: Int, _ reason: String) -> Problem {
        Problem(
            .invalid, "ledger.bank-file-malformed", ["line": .integer(Int64(line)), "reason": .text(reason)])
    }

    static let rowDamaged = Problem(
        .fault, "store.row-unreadable", operatorNote: "an unknown kind in the books")
}
