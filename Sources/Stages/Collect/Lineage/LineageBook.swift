// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Primitives
package import Store

/// The signed steps a node knows, by the digest of what they made.
package enum LineageBook {
    /// Steps behind one output beyond which a graph is cut: a daily delivery of thirty years.
    package static let stepsMax = 10_000

    /// Keeps a step in the running command; the same step again changes nothing.
    package static func add(_ step: LineageStep, in writing: any SQLWriting) throws(Problem) {
        let document = step.json
        try writing.execute(
            "INSERT INTO collect_step (digest, output, document) VALUES (?, ?, ?) ON CONFLICT (digest) DO NOTHING",
            [Digest(of: document.canonicalBytes), step.output, document])
    }

    /// Every known step that `output` rests on, followed back to the files that came through the gate.
    package static func lineage(of output: Digest, in reading: any SQLReading) throws(Problem) -> Lineage {
        var known: [LineageStep] = []
        var seen: Set<Digest> = [output]
        var open = [output]
        while let digest = open.popLast(), known.count < stepsMax {
            let steps = try reading.all("SELECT document FROM collect_step WHERE output = ?", [digest]) {
                row throws(Problem) in LineageStep(json: try row.json(0))
            }.compactMap(\.self)
            known += steps
            for input in steps.flatMap(\.inputs) where seen.insert(input).inserted { open.append(input) }
        }
        return Lineage(of: output, among: known)
    }
}

extension LineageStep {
    /// The statement with its signature, as it is stored and as it travels.
    package var json: JSON {
        var members = statement.object ?? [:]
        if let signature {
            members["signature"] = [
                "key": .string(Base64.encode(signature.key.bytes)),
                "algorithm": .string(signature.key.algorithm.rawValue),
                "bytes": .string(Base64.encode(signature.bytes)),
            ]
        }
        return .object(members)
    }

    /// `nil` where a member is missing or has another form.
    package init?(json: JSON) {
        guard let activity = json["activity"]?.text,
            let output = json["output"]?.text.flatMap({ Digest(hex: $0) }),
            let by = json["by"]?.text, let at = json["at"]?.text.flatMap({ Instant(rfc3339: $0) })
        else { return nil }
        let inputs = (json["inputs"]?.array ?? []).compactMap { $0.text.flatMap { Digest(hex: $0) } }
        self.init(
            activity, inputs: inputs, output: output, parameters: json["parameters"] ?? [:], by: by, at: at)
        guard let signature = json["signature"],
            let bytes = signature["bytes"]?.text.flatMap({ Base64.decode($0) }),
            let algorithm = signature["algorithm"]?.text.flatMap({ KeyAlgorithm(rawValue: $0) }),
            let keyBytes = signature["key"]?.text.flatMap({ Base64.decode($0) }),
            let key = PublicKey(algorithm, bytes: keyBytes)
        else { return }
        self = bearing(StepSignature(key: key, bytes: bytes))
    }
}

extension Lineage {
    /// The graph as nodes and edges, each step with what its signature is worth (S29).
    package func json(_ checkers: SignatureCheckers) -> JSON {
        [
            "output": .string(output.hex), "origins": .array(origins.map { .string($0.hex) }),
            "steps": .array(
                steps.map { step in
                    var members = step.statement.object ?? [:]
                    members["state"] = .string(state(of: step, checkers).rawValue)
                    return .object(members)
                }),
        ]
    }
}
