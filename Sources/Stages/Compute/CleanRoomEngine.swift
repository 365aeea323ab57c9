// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import Identity
package import PrivateSQL
package import Register
package import Tables
package import Trade

/// The `query` door: questions checked against a listing's release rules and answered in an engine that sees one
/// version's file and nothing else of the machine.
package struct CleanRoomEngine: QuestionEngine {
    let engines: QuestionEngines
    let dialect: any RelationDialect
    /// Where version files lie.
    let objects: String
    private let repeatedPeople = RepeatedPeople()

    package init(engines: any TableEngineFactory, dialect: any RelationDialect, objects: String) {
        self.engines = QuestionEngines(engines)
        self.dialect = dialect
        self.objects = objects
    }

    /// More exact answers on one version than this are not compared: the next one waits for a new version or asks for noise.
    private static let historyMax = 200

    package func split(_ text: String) async throws(Problem) -> JointQuestion {
        let tree = try await tree(of: text)
        do throws(QuestionRefusal) {
            return try JointQuestion(tree)
        } catch {
            throw error.problem(in: tree)
        }
    }

    package func tree(of text: String) async throws(Problem) -> SyntaxTree {
        try await engines.parse { engine throws(Problem) in try await SyntaxTree(text, engine: engine) }
    }

    package func check(
        _ text: String, on listing: Listing, for recipient: ID<Party>?
    ) async throws(Problem) -> QuestionCost {
        let plan = try await engines.parse { engine throws(Problem) in
            try await question(AskedQuestion(text, for: recipient), on: listing, engine).plan
        }
        return QuestionCost(
            privacy: plan.cost, isCompared: plan.isCompared, planDigest: plan.digest,
            json: [
                "verdict": "allowed", "cost": plan.cost.json, "plan": .string(plan.digest.hex),
                "errors": .array(plan.expectedErrors.map(\.json)),
            ])
    }

    package func answer(
        _ asked: AskedQuestion, on listing: Listing, version: AssetVersion, seed: Redacted<[UInt8]>,
        after history: [AskedQuestion]
    ) async throws(Problem) -> Release {
        guard history.count <= Self.historyMax else { throw Problem(.limited, "privatesql.history-too-fine") }
        return try await engines.run(over: objects + "/" + version.path, as: listing.tableName) {
            engine throws(Problem) in
            try await answer(asked, on: listing, version: version, seed: seed, after: history, in: engine)
        }
    }

    private func answer(
        _ asked: AskedQuestion, on listing: Listing, version: AssetVersion, seed: Redacted<[UInt8]>,
        after history: [AskedQuestion], in engine: any TableEngine
    ) async throws(Problem) -> Release {
        let question = try await question(asked, on: listing, engine)
        guard let noise = NoiseSeed(bytes: seed.disclosed) else { throw .sealBroken }
        var earlier: [ReleasePlan] = []
        let repeated = try await repeatedPeople(listing, version, engine)
        for told in history {
            earlier.append(try await self.question(told, on: listing, engine).plan(bounding: repeated))
        }
        let answer = try await question.run(
            on: engine, dialect: dialect, seed: noise, versions: version.digest, after: earlier,
            repeated: repeated)
        return Release(
            answer: answer.json, planDigest: answer.planDigest, versionDigests: [version.digest],
            seedCommitment: noise.commitment, epsilon: question.plan.cost.epsilon.description)
    }

    /// Whose rows repeat in this version: whether a promise of one row a person is relied on, and whether there is
    /// anything to bound at all.
    private func repeatedPeople(
        _ listing: Listing, _ version: AssetVersion, _ engine: any TableEngine
    ) async throws(Problem) -> Set<String> {
        let rules = try listing.releaseRules()
        guard !rules.personalTables.isEmpty else { return [] }
        return try await repeatedPeople.tables(version.digest, rules.digest) { () async throws(Problem) in
            try await rules.tablesWithRepeatedPeople(
                [listing.tableName: listing.columns], on: engine, dialect: dialect)
        }
    }

    private func question(
        _ asked: AskedQuestion, on listing: Listing, _ engine: any TableEngine
    ) async throws(Problem) -> CleanRoomQuestion {
        let rules = try listing.releaseRules().narrowed(for: asked.recipient.map { Code(.party, $0) })
        return try await CleanRoomQuestion(
            asked.text, rules: rules, schema: [listing.tableName: listing.columns], engine: engine)
    }
}

extension Listing {
    /// The release rules the holder signed; without them nothing may be asked.
    func releaseRules() throws(Problem) -> ReleaseRules {
        guard let rules else { throw Problem(.forbidden, "compute.rules-missing", ["listing": .code(code)]) }
        do throws(RulesRefusal) {
            return try ReleaseRules(json: rules)
        } catch {
            throw Problem(
                .invalid, "compute.rules-malformed",
                ["place": .text(error.place), "expected": .localized(error.expected)])
        }
    }

    /// The table's columns as the listing describes them.
    var columns: [Column] {
        (summary["fields"]?.array ?? []).compactMap { field in
            guard let name = field["name"]?.text,
                let type = field["type"]?.text.flatMap({ ColumnType(named: $0) })
            else {
                return nil
            }
            return Column(name, type)
        }
    }
}
