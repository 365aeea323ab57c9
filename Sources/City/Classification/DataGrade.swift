// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// How much harm a leak, a change or a loss would do: core, important, general 1–4 (GB/T 43697-2024 §6, annex H).
///
/// The software proposes at most "suspected important"; a responsible person confirms, the authority determines,
/// and core is never proposed.
package enum DataGrade: Int, Hashable, Sendable, Comparable, CaseIterable {
    case general1 = 1
    case general2
    case general3
    case general4
    case important
    case core

    package static func < (left: DataGrade, right: DataGrade) -> Bool { left.rawValue < right.rawValue }

    package var word: String {
        switch self {
        case .general1, .general2, .general3, .general4: "general-\(rawValue)"
        case .important: "important"
        case .core: "core"
        }
    }

    package init?(word: String) {
        guard let grade = Self.allCases.first(where: { $0.word == word }) else { return nil }
        self = grade
    }

    package var title: LocalizedText {
        switch self {
        case .general1, .general2, .general3, .general4:
            LocalizedText(zh: "一般数据\(rawValue)级", en: "general data, grade \(rawValue)")
        case .important: LocalizedText(zh: "疑似重要数据", en: "suspected important data")
        case .core: LocalizedText(zh: "核心数据", en: "core data")
        }
    }

    /// GB/T 43697-2024 table 1: who is harmed, and how badly.
    package static func required(harmTo object: HarmedObject, degree: HarmDegree) -> DataGrade {
        switch (object, degree) {
        case (.nationalSecurity, .especiallySerious), (.nationalSecurity, .serious): .core
        case (.nationalSecurity, .general): .important
        case (.economy, .especiallySerious), (.socialOrder, .especiallySerious),
            (.publicInterest, .especiallySerious):
            .core
        case (.economy, .serious), (.socialOrder, .serious), (.publicInterest, .serious): .important
        case (.economy, .general), (.socialOrder, .general), (.publicInterest, .general): .general4
        case (.personOrOrganization, .especiallySerious): .general4
        case (.personOrOrganization, .serious): .general3
        case (.personOrOrganization, .general): .general2
        }
    }
}

/// Whom a leak would harm (GB/T 43697-2024 §6.4).
package enum HarmedObject: String, Hashable, Sendable, CaseIterable {
    case nationalSecurity, economy, socialOrder, publicInterest, personOrOrganization
}

/// How badly.
package enum HarmDegree: String, Hashable, Sendable, CaseIterable {
    case especiallySerious, serious, general
}

/// What a grade demands (S116). One table, read cell by cell.
package struct ProtectionMeasures: Hashable, Sendable {
    package enum Masking: String, Hashable, Sendable { case none, display, stored }
    package enum Approval: String, Hashable, Sendable { case none, holder, twoPersons, authority }
    package enum Abroad: String, Hashable, Sendable { case free, byThreshold, assessment, refused }

    package let encryptedAtRest: Bool
    package let masking: Masking
    package let approval: Approval
    package let everyReadLogged: Bool
    package let abroad: Abroad

    package init(for grade: DataGrade) {
        switch grade {
        case .general1: self.init(false, .none, .none, false, .free)
        case .general2: self.init(false, .none, .holder, false, .byThreshold)
        case .general3: self.init(true, .display, .holder, true, .byThreshold)
        case .general4: self.init(true, .stored, .twoPersons, true, .byThreshold)
        case .important: self.init(true, .stored, .authority, true, .assessment)
        case .core: self.init(true, .stored, .authority, true, .refused)
        }
    }

    private init(
        _ encrypted: Bool, _ masking: Masking, _ approval: Approval, _ logged: Bool, _ abroad: Abroad
    ) {
        encryptedAtRest = encrypted
        self.masking = masking
        self.approval = approval
        everyReadLogged = logged
        self.abroad = abroad
    }
}
