// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Primitives

/// One step from inputs to an output, with its parameters, signed by whoever carried it out (S29).
package struct LineageStep: Hashable, Sendable {
    /// `collect`, `standardize`, `de-identify`, `join`, …
    package let activity: String
    /// Digests of what went in.
    package let inputs: [Digest]
    package let output: Digest
    package let parameters: JSON
    package let carriedOutBy: String
    package let at: Instant
    package let signature: StepSignature?

    package struct StepSignature: Hashable, Sendable {
        package let key: PublicKey
        package let bytes: [UInt8]
    }

    package init(
        _ activity: String, inputs: [Digest], output: Digest, parameters: JSON, by party: String, at: Instant
    ) {
        self.init(activity, inputs, output, parameters, party, at, nil)
    }

    private init(
        _ activity: String, _ inputs: [Digest], _ output: Digest, _ parameters: JSON, _ party: String,
        _ at: Instant,
        _ signature: StepSignature?
    ) {
        self.activity = activity
        self.inputs = inputs
        self.output = output
        self.parameters = parameters
        carriedOutBy = party
        self.at = at
        self.signature = signature
    }

    /// What is signed: the canonical form of everything but the signature.
    package var statement: JSON {
        [
            "activity": .string(activity), "inputs": .array(inputs.map { .string($0.hex) }),
            "output": .string(output.hex), "parameters": parameters, "by": .string(carriedOutBy),
            "at": .string(at.rfc3339),
        ]
    }

    package func signed(by signer: any Signer) throws(Problem) -> LineageStep {
        let bytes = try signer.signature(for: statement.canonicalBytes)
        return bearing(StepSignature(key: signer.publicKey, bytes: bytes))
    }

    /// The step with a signature that somebody made over its statement.
    func bearing(_ signature: StepSignature) -> LineageStep {
        LineageStep(activity, inputs, output, parameters, carriedOutBy, at, signature)
    }
}

/// Every step that led to one output, as a graph.
package struct Lineage: Hashable, Sendable {
    package enum StepState: String, Hashable, Sendable {
        case signed
        case unsigned
        /// The signature does not fit what the step says.
        case broken
    }

    /// The steps in the order they were carried out.
    package let steps: [LineageStep]
    package let output: Digest

    /// Of all steps known, those that `output` rests on.
    package init(of output: Digest, among known: [LineageStep]) {
        var wanted: Set<Digest> = [output]
        var open = [output]
        var chosen: [LineageStep] = []
        while let digest = open.popLast() {
            for step in known where step.output == digest {
                chosen.append(step)
                for input in step.inputs where wanted.insert(input).inserted { open.append(input) }
            }
        }
        steps = chosen.sorted { ($0.at, $0.output) < ($1.at, $1.output) }
        self.output = output
    }

    /// What no known step made: the files that came through the gate.
    package var origins: [Digest] {
        let made = Set(steps.map(\.output))
        return Set(steps.flatMap(\.inputs)).subtracting(made).sorted()
    }

    package func state(of step: LineageStep, _ checkers: SignatureCheckers) -> StepState {
        guard let signature = step.signature else { return .unsigned }
        let fits = checkers.isValid(signature.bytes, for: step.statement.canonicalBytes, by: signature.key)
        return fits ? .signed : .broken
    }

    /// W3C PROV-JSON (Member Submission 2013-04-24): entities are digests, activities are steps.
    package func prov(_ checkers: SignatureCheckers) -> JSON {
        var entities: [String: JSON] = ["hutong:\(output.hex)": [:]]
        var activities: [String: JSON] = [:]
        var agents: [String: JSON] = [:]
        var used: [String: JSON] = [:]
        var generated: [String: JSON] = [:]
        var derived: [String: JSON] = [:]
        var associated: [String: JSON] = [:]
        for (number, step) in steps.enumerated() {
            let activity = "hutong:step-\(number + 1)"
            let made = "hutong:\(step.output.hex)"
            let agent = "hutong:agent-\(Digest(of: step.carriedOutBy).hex.prefix(16))"
            activities[activity] = [
                "prov:endTime": .string(step.at.rfc3339), "prov:type": .string(step.activity),
                "hutong:parameters": .string(step.parameters.canonicalText),
                "hutong:signature": .string(state(of: step, checkers).rawValue),
            ]
            agents[agent] = ["prov:label": .string(step.carriedOutBy)]
            associated["_:a\(number)"] = ["prov:activity": .string(activity), "prov:agent": .string(agent)]
            entities[made] = [:]
            generated["_:g\(number)"] = ["prov:entity": .string(made), "prov:activity": .string(activity)]
            for (place, input) in step.inputs.enumerated() {
                let source = "hutong:\(input.hex)"
                entities[source] = [:]
                used["_:u\(number)-\(place)"] = [
                    "prov:activity": .string(activity), "prov:entity": .string(source),
                ]
                derived["_:d\(number)-\(place)"] = [
                    "prov:generatedEntity": .string(made), "prov:usedEntity": .string(source),
                    "prov:activity": .string(activity),
                ]
            }
        }
        return [
            "prefix": ["hutong": "urn:hutong:", "prov": "http://www.w3.org/ns/prov#"],
            "entity": .object(entities), "activity": .object(activities), "agent": .object(agents),
            "used": .object(used), "wasGeneratedBy": .object(generated), "wasDerivedFrom": .object(derived),
            "wasAssociatedWith": .object(associated),
        ]
    }
}
