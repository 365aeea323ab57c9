// SPDX-License-Identifier: Apache-2.0

/// How a transfer ended. The cases stand in order of precedence: where several apply, the first is the answer.
///
/// The model and the order are TigerBeetle's (`docs/reference/requests/create_transfers.md`), without imported
/// transfers; `amountMustNotBeNegative` is ours, since our amounts are signed 63-bit integers. The raw value is
/// stored for identifiers that failed, and never reused.
package enum TransferStatus: Int64, Hashable, Sendable, CaseIterable {
    case created = 0
    case linkedTransferFailed = 1
    case linkedChainOpen = 2
    case reservedFlag = 3
    case idMustNotBeZero = 4
    case idMustNotBeMax = 5
    case existsWithDifferentFlags = 6
    case existsWithDifferentPendingID = 7
    case existsWithDifferentTimeout = 8
    case existsWithDifferentDebitAccount = 9
    case existsWithDifferentCreditAccount = 10
    case existsWithDifferentAmount = 11
    case existsWithDifferentSubject = 12
    case existsWithDifferentReference = 13
    case existsWithDifferentUnit = 14
    case existsWithDifferentCode = 15
    case exists = 16
    case idAlreadyFailed = 17
    case flagsAreMutuallyExclusive = 18
    case debitAccountMustNotBeZero = 19
    case debitAccountMustNotBeMax = 20
    case creditAccountMustNotBeZero = 21
    case creditAccountMustNotBeMax = 22
    case accountsMustBeDifferent = 23
    case pendingIDMustBeZero = 24
    case pendingIDMustNotBeZero = 25
    case pendingIDMustNotBeMax = 26
    case pendingIDMustBeDifferent = 27
    case timeoutReservedForPending = 28
    case closingTransferMustBePending = 29
    case amountMustNotBeNegative = 30
    case unitMustNotBeZero = 31
    case codeMustNotBeZero = 32
    case debitAccountNotFound = 33
    case creditAccountNotFound = 34
    case accountsMustHaveTheSameUnit = 35
    case transferMustHaveTheSameUnitAsAccounts = 36
    case pendingTransferNotFound = 37
    case pendingTransferNotPending = 38
    case pendingTransferHasDifferentDebitAccount = 39
    case pendingTransferHasDifferentCreditAccount = 40
    case pendingTransferHasDifferentUnit = 41
    case pendingTransferHasDifferentCode = 42
    case exceedsPendingTransferAmount = 43
    case pendingTransferHasDifferentAmount = 44
    case pendingTransferAlreadyPosted = 45
    case pendingTransferAlreadyVoided = 46
    case pendingTransferExpired = 47
    case debitAccountAlreadyClosed = 48
    case creditAccountAlreadyClosed = 49
    case overflowsDebitsPending = 50
    case overflowsCreditsPending = 51
    case overflowsDebitsPosted = 52
    case overflowsCreditsPosted = 53
    case overflowsDebits = 54
    case overflowsCredits = 55
    case overflowsTimeout = 56
    case exceedsCredits = 57
    case exceedsDebits = 58

    /// The transfer stands as it was asked for, now or before.
    package var isStanding: Bool { self == .created || self == .exists }

    /// Whether the same request could succeed later. Its id is then used up for ever, so that an answer, once
    /// given, stays true.
    var isTransient: Bool {
        switch self {
        case .debitAccountNotFound, .creditAccountNotFound, .pendingTransferNotFound, .exceedsCredits,
            .exceedsDebits, .debitAccountAlreadyClosed, .creditAccountAlreadyClosed:
            true
        default: false
        }
    }
}
