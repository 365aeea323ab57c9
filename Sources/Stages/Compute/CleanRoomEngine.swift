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
    let engines: any TableEngineFactory
    let dialect: any RelationDialect
    /// Where version files lie.
    let objects: String
    private let repeatedPeople = RepeatedPeople()

    package init(engines: any TableEngineFactory, dialect: any RelationDialect, objects: String) {
        self.engines = engines
        self.dialect = dialect
        self.objects = objects
    }

    /// A stranger's question gets this much of the machine, whatever else runs.
    private static let limits = EngineLimits(memoryBytes: 512 << 20, threads: 2, queriesAtOnceMax: 4)

    /// More exact answers on one version than this are not compared: the next one waits for a new version or asks for noise.
    private static let historyMax = 200

    package func split(_ text: String) async throws(Problem) -> JointQuestion {
        let engine = try engines.open(Self.limits)
        defer { engine.close() }
        let tree = try await SyntaxTree(text, engine: engine)
        do throws(QuestionRefusal) {
            return try JointQuestion(tree)
        } catch {
            throw error.problem(in: tree)
        }
    }

    package func tree(of text: String) async throws(Problem) -> SyntaxTree {
        let engine = try engines.open(Self.limits)
        defer { engine.close() }
        return try await SyntaxTree(text, engine: engine)
    }

    package func check(
        _ text: String, on listing: Listing, for recipient: ID<Party>?
    ) async throws(Problem) -> QuestionCost {
        let engine = try engines.open(Self.limits)
        defer { engine.close() }
        let plan = try await question(AskedQuestion(text, for: recipient), on: listing, engine).plan
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
        let source = TableSource.parquet([objects + "/" + version.path])
        let engine = try await engines.openSealed([listing.tableName: source], Self.limits)
        defer { engine.close() }
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

    /// Rules may promise one row a person; what the version's rows hold decides whether that is relied on.
    private func repeatedPeople(
        _ listing: Listing, _ version: AssetVersion, _ engine: any TableEngine
    ) async throws(Problem) -> Set<String> {
        let rules = try listing.releaseRules()
        guard !rules.keyedTables.isEmpty else { return [] }
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
