// SPDX-License-Identifier: Apache-2.0
//
// Specification: see each check or recognizer for its clause (GB 11643, GB 32100, ISO/IEC 7812-1, RFC 5321 §4.1.2 …).
// Adversary: whoever wrote the text; any bytes may come. Secret: the text. Leaks by design: kinds and byte offsets.
// Timing: depends on the text; the scanner runs where the text lies. Vectors: Tests/CollectTests.

/// What the scanner finds. Closed: a kind is a recognizer with a test of its precision and recall.
package enum SensitiveKind: String, Hashable, Sendable, CaseIterable {
    case residentID = "resident-id"
    case residentID15 = "resident-id-15"
    case creditCode = "credit-code"
    case organizationCode = "organization-code"
    case bankCard = "bank-card"
    case vehicleNumber = "vin"
    case simCard = "iccid"
    case deviceNumber = "imei"
    case mobile
    case landline
    case passport
    case travelPermit = "travel-permit"
    case plate
    case email
    case ipv4
    case ipv6
    case macAddress = "mac"
    case coordinates
    case personName = "person-name"
    case address
    case medicalRecord = "medical-record"
    case account
    case socialSecurity = "social-security"
    case birthDate = "birth-date"
    case messenger
    case postcode

    /// Whether a check character confirms it.
    package var isChecksummed: Bool {
        switch self {
        case .residentID, .creditCode, .organizationCode, .bankCard, .vehicleNumber, .simCard, .deviceNumber:
            true
        default: false
        }
    }
}

/// One place where something sensitive stands.
package struct Finding: Hashable, Sendable {
    package let kind: SensitiveKind
    /// Byte offsets in the text.
    package let start: Int
    package let end: Int
    package let evidence: Evidence

    /// Why it is taken for what it is; decides how sure we are.
    package enum Evidence: String, Hashable, Sendable, CaseIterable {
        /// A check character and the structure around it agree.
        case checked
        /// Only this kind has this form.
        case form
        /// A label before it says so, and the form agrees.
        case labelled
        /// A guess from the surroundings.
        case heuristic

        /// Our confidence, in percent.
        package var confidence: Int {
            switch self {
            case .checked: 99
            case .form: 90
            case .labelled: 85
            case .heuristic: 60
            }
        }
    }
}
