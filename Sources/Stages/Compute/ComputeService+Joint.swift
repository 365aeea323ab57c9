// SPDX-License-Identifier: Apache-2.0

import Identity
package import Primitives
import PrivateSQL
import Register
import Tables
import Trade

/// A question over several agreements, and how much one of its columns moves another, if that is asked.
package struct JointAsking: Sendable {
    package let id: ID<JointAsking>
    package let agreementCodes: [String]
    package let text: String
    package let purpose: String
    /// Names of an outcome and of what may move it.
    package let effect: (outcome: String, exposure: String)?

    package init(
        id: ID<JointAsking>, agreementCodes: [String], text: String, purpose: String,
        effect: (outcome: String, exposure: String)?
    ) {
        self.id = id
        self.agreementCodes = agreementCodes
        self.text = text
        self.purpose = purpose
        self.effect = effect
    }
}

extension ComputeService {
    /// Asks each holder for its part and joins the released answers here, at the asker.
    ///
    /// Every part is checked against its listing's rules before the first one is asked; a part that was answered
    /// before is free, so a joint question that broke off is asked again without paying twice.
    package func ask(_ asking: JointAsking) async throws(Problem) -> JSON {
        let joint = try await engine.split(asking.text)
        var agreements: [Agreement] = []
        for code in asking.agreementCodes { agreements.append(try await agreement(code)) }
        var questions: [(text: String, agreement: Agreement)] = []
        for part in joint.parts {
            guard
                let agreement = agreements.first(where: {
                    part.tables.allSatisfy($0.listing.tableName.isEqual)
                })
            else {
                throw QuestionRefusal(.sidesMixed, at: part.place).problem(
                    in: SyntaxTree(text: asking.text, query: SyntaxQuery()))
            }
            _ = try await engine.check(part.text, on: agreement.listing, for: agreement.consumer)
            questions.append((part.text, agreement))
        }
        var answers: [ReleasedTable] = []
        var told: [JSON] = []
        var total: Int64 = 0
        for (place, question) in questions.enumerated() {
            let reply = try await ask(
                Question(
                    passage: ID(derivedFrom: Digest(of: "\(asking.id.uuid)/\(place)")),
                    agreementCode: question.agreement.code.text, text: question.text, purpose: asking.purpose,
                    asker: context.own))
            guard let answer = reply["result"].flatMap({ ReleasedAnswer(json: $0) }) else {
                throw .sealBroken
            }
            answers.append(answer.table)
            total += reply["price"]?.text.flatMap { Money($0) }?.minorUnits ?? 0
            told.append([
                "agreement": .string(question.agreement.code.text), "text": .string(question.text),
                "passage": reply["code"] ?? .null, "price": reply["price"] ?? .null,
            ])
        }
        guard let table = joint.answered(answers) else { throw .sealBroken }
        return [
            "parts": .array(told), "price": .string(Money(minorUnits: total).description),
            "result": table.json,
            "effect": try asking.effect.map { names throws(Problem) in
                try Self.effect(names.exposure, on: names.outcome, in: table)
            } ?? .null,
        ]
    }

    private static func effect(
        _ exposure: String, on outcome: String, in table: ReleasedTable
    ) throws(Problem) -> JSON {
        guard let effect = table.effect(of: exposure, on: outcome) else {
            throw Problem(
                .invalid, "compute.effect-unknown", ["exposure": .text(exposure), "outcome": .text(outcome)])
        }
        return effect.json
    }
}

extension String {
    /// Table names are compared as SQL compares them.
    fileprivate func isEqual(_ other: String) -> Bool { lowercased() == other.lowercased() }
}
