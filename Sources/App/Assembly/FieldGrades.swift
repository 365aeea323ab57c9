// SPDX-License-Identifier: Apache-2.0

import Register
import Tables

/// Proposes a class and a grade for each field of a profile. The software only proposes; a person confirms.
enum FieldGrades {
    static func propose(_ profile: TableProfile) -> [FieldGrading] {
        profile.columns.map { column in
            let name = column.column.name.lowercased()
            if identifierWords.contains(where: name.contains) {
                return FieldGrading(
                    field: column.column.name, dataClass: "personal-identifier", proposed: "general-4",
                    why: "header names a person's identifier")
            }
            if healthWords.contains(where: name.contains) {
                return FieldGrading(
                    field: column.column.name, dataClass: "health", proposed: "general-4",
                    why: "header names health data, sensitive under PIPL art. 28")
            }
            return FieldGrading(
                field: column.column.name, dataClass: "general", proposed: "general-1",
                why: "nothing sensitive was found")
        }
    }

    private static let identifierWords = ["person", "patient", "身份证", "姓名", "phone", "手机", "id_card", "病人"]
    private static let healthWords = ["icd", "diagnos", "诊断", "病", "visit", "resp"]
}
