// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Primitives

/// Whose word a reader takes: the logs it knows, the witnesses it knows, and how many of them it wants
/// (c2sp.org/tlog-policy).
package struct TrustPolicy: Hashable, Sendable {
    /// Files beyond this are refused; 32 logs, witnesses and groups fit many times.
    package static let bytesMax = 256 * 1024

    package struct Log: Hashable, Sendable {
        package let key: NoteKey
        package let url: String?

        package init(key: NoteKey, url: String? = nil) {
            self.key = key
            self.url = url
        }
    }

    package struct Witness: Hashable, Sendable {
        /// Its name in this policy; the name in its key may be another.
        package let name: String
        package let key: NoteKey
        /// The submission prefix, for the log alone.
        package let url: String?

        package init(name: String, key: NoteKey, url: String? = nil) {
            self.name = name
            self.key = key
            self.url = url
        }
    }

    /// Who must have cosigned.
    package indirect enum Quorum: Hashable, Sendable {
        case none
        case witness(String)
        case group(threshold: Int, members: [Quorum])

        /// Whether these witnesses, by their names in the policy, are enough.
        package func isMet(by names: Set<String>) -> Bool {
            switch self {
            case .none: true
            case .witness(let name): names.contains(name)
            case .group(let threshold, let members): members.count { $0.isMet(by: names) } >= threshold
            }
        }
    }

    /// The line that could not be read, from 1; 0 for the file as a whole.
    package struct Failure: Error, Hashable, Sendable {
        package let line: Int
        package let reason: String

        package var problem: Problem {
            Problem(
                .invalid,
                "transparency.policy-malformed",
                ["line": .integer(Int64(line)), "reason": .text(reason)]
            )
        }
    }

    package let logs: [Log]
    package let witnesses: [Witness]
    package let quorum: Quorum

    package init(logs: [Log], witnesses: [Witness], quorum: Quorum) {
        self.logs = logs
        self.witnesses = witnesses
        self.quorum = quorum
    }

    /// Any `threshold` of the witnesses; none of them for 0.
    package init(log: NoteKey, witnesses: [Witness] = [], threshold: Int = 0) {
        let members = witnesses.map { Quorum.witness($0.name) }
        self.init(
            logs: [Log(key: log)],
            witnesses: witnesses,
            quorum: threshold == 0 ? .none : .group(threshold: threshold, members: members)
        )
    }

    package init(parsing text: String) throws(Failure) {
        guard text.utf8.count <= Self.bytesMax else { throw Failure(line: 0, reason: "the file is too long") }
        guard text.utf8.allSatisfy({ $0 == 9 || $0 == 10 || ($0 >= 0x20 && $0 != 0x7f) }) else {
            throw Failure(line: 0, reason: "a control character stands in the file")
        }
        var reader = PolicyReader()
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        for (place, line) in lines.enumerated() {
            let words = line.split { $0 == " " || $0 == "\t" }.map(String.init)
            guard let first = words.first, !first.hasPrefix("#") else { continue }
            if let reason = reader.take(words) { throw Failure(line: place + 1, reason: reason) }
        }
        guard let quorum = reader.quorum else {
            throw Failure(line: lines.count, reason: "a quorum line is missing")
        }
        self.init(logs: reader.logs, witnesses: reader.witnesses, quorum: quorum)
    }

    /// The same witnesses and quorum for these logs as well. A key that stands here already is not added twice.
    package func adding(logs keys: [NoteKey]) -> TrustPolicy {
        var logs = logs
        for key in keys where !logs.contains(where: { $0.key.publicKey == key.publicKey }) {
            logs.append(Log(key: key))
        }
        return TrustPolicy(logs: logs, witnesses: witnesses, quorum: quorum)
    }

    /// Whether the witnesses that can be asked (those with an address) could ever be enough.
    package var isReachable: Bool {
        quorum.isMet(by: Set(witnesses.filter { $0.url != nil }.map(\.name)))
    }

    /// The policy as a file. Groups are written with names of our own.
    package var text: String {
        var lines = logs.map { "log \($0.key)" + ($0.url.map { " " + $0 } ?? "") }
        lines += witnesses.map { "witness \($0.name) \($0.key)" + ($0.url.map { " " + $0 } ?? "") }
        var count = 0
        let name = Self.write(quorum, to: &lines, count: &count)
        return (lines + ["quorum \(name)"]).joined(separator: "\n") + "\n"
    }

    private static func write(_ quorum: Quorum, to lines: inout [String], count: inout Int) -> String {
        switch quorum {
        case .none: return "none"
        case .witness(let name): return name
        case .group(let threshold, let members):
            let names = members.map { write($0, to: &lines, count: &count) }
            count += 1
            lines.append("group group-\(count) \(threshold) \(names.joined(separator: " "))")
            return "group-\(count)"
        }
    }
}

/// What the lines so far have defined. Each name stands for a witness or a group, and can be a member once.
private struct PolicyReader {
    var logs: [TrustPolicy.Log] = []
    var witnesses: [TrustPolicy.Witness] = []
    var quorum: TrustPolicy.Quorum?
    private var names: [String: TrustPolicy.Quorum] = [:]
    private var members: Set<String> = []

    /// Why the line is refused, or `nil`.
    mutating func take(_ words: [String]) -> String? {
        switch words[0] {
        case "log": takeLog(words)
        case "witness": takeWitness(words)
        case "group": takeGroup(words)
        case "quorum": takeQuorum(words)
        default: "\"\(words[0])\" is none of log, witness, group, quorum"
        }
    }

    private mutating func takeLog(_ words: [String]) -> String? {
        guard (2...3).contains(words.count), let key = NoteKey(words[1]), key.purpose != .cosignature else {
            return "a log line is: log KEY [URL]"
        }
        guard !logs.contains(where: { $0.key.publicKey == key.publicKey }) else {
            return "the key stands twice"
        }
        logs.append(.init(key: key, url: words.count == 3 ? words[2] : nil))
        return nil
    }

    private mutating func takeWitness(_ words: [String]) -> String? {
        guard (3...4).contains(words.count), let key = NoteKey(words[2]), key.purpose == .cosignature else {
            return "a witness line is: witness NAME KEY [URL], with a cosignature key"
        }
        guard !witnesses.contains(where: { $0.key.publicKey == key.publicKey }) else {
            return "the key stands twice"
        }
        guard define(words[1], as: .witness(words[1])) else { return "the name \(words[1]) stands twice" }
        witnesses.append(.init(name: words[1], key: key, url: words.count == 4 ? words[3] : nil))
        return nil
    }

    private mutating func takeGroup(_ words: [String]) -> String? {
        guard words.count >= 4 else { return "a group line is: group NAME K|any|all MEMBER…" }
        var found: [TrustPolicy.Quorum] = []
        for name in words.dropFirst(3) {
            guard let member = names[name] else { return "the name \(name) is not defined above" }
            guard members.insert(name).inserted else { return "the name \(name) is a member twice" }
            found.append(member)
        }
        let threshold: Int
        switch words[2] {
        case "any": threshold = 1
        case "all": threshold = found.count
        default:
            guard let number = Decimal.parse(words[2]), (1...UInt64(found.count)).contains(number) else {
                return "the threshold is none of any, all, 1…\(found.count)"
            }
            threshold = Int(number)
        }
        guard define(words[1], as: .group(threshold: threshold, members: found)) else {
            return "the name \(words[1]) stands twice"
        }
        return nil
    }

    private mutating func takeQuorum(_ words: [String]) -> String? {
        guard words.count == 2 else { return "a quorum line is: quorum NAME|none" }
        guard quorum == nil else { return "the quorum stands twice" }
        guard let meaning = words[1] == "none" ? TrustPolicy.Quorum.none : names[words[1]] else {
            return "the name \(words[1]) is not defined above"
        }
        quorum = meaning
        return nil
    }

    private mutating func define(_ name: String, as meaning: TrustPolicy.Quorum) -> Bool {
        guard name != "none", names[name] == nil else { return false }
        names[name] = meaning
        return true
    }
}

// MARK: Judging a checkpoint

extension TrustPolicy {
    /// Who was found to vouch for a checkpoint.
    package struct Verdict: Hashable, Sendable {
        package let checkpoint: Checkpoint
        /// The log's keys that signed.
        package let logs: [NoteKey]
        /// The witnesses that cosigned, by their names in the policy, with their times.
        package let witnesses: [String: Instant]
        package let isQuorumMet: Bool
    }

    /// Why a checkpoint is refused.
    package enum Refusal: Error, Hashable, Sendable {
        /// No log of the policy signed it under its own name.
        case unknownLog(origin: String)
        /// A key we know did not make the line that bears its name.
        case wrongSignature(name: String)
        case quorumMissing(found: [String])
    }

    /// Checks every line by a key of this policy. A line that bears a known key's name and is not its signature
    /// refuses the whole (c2sp.org/signed-note@v1.0.0).
    package func judge(
        _ signed: SignedCheckpoint,
        checkers: SignatureCheckers = SignatureCheckers()
    ) throws(Refusal) -> Verdict {
        let origin = signed.checkpoint.origin
        let signers: [NoteKey]
        do {
            signers = try signed.note.signers(
                among: logs.map(\.key).filter { $0.name == origin },
                checkers: checkers
            )
        } catch {
            throw .wrongSignature(name: origin)
        }
        guard !signers.isEmpty else { throw .unknownLog(origin: origin) }
        var times: [String: Instant] = [:]
        for witness in witnesses {
            guard let line = signed.note.signatures.first(where: { $0.isBy(witness.key) }) else { continue }
            guard let word = Cosignature(line, over: signed.note.text, by: witness.key, checkers: checkers)
            else {
                throw .wrongSignature(name: witness.name)
            }
            times[witness.name] = word.time
        }
        return Verdict(
            checkpoint: signed.checkpoint,
            logs: signers,
            witnesses: times,
            isQuorumMet: quorum.isMet(by: Set(times.keys))
        )
    }

    /// As `judge`, and the quorum must be met.
    package func accept(
        _ signed: SignedCheckpoint,
        checkers: SignatureCheckers = SignatureCheckers()
    ) throws(Refusal) -> Verdict {
        let verdict = try judge(signed, checkers: checkers)
        guard verdict.isQuorumMet else { throw .quorumMissing(found: verdict.witnesses.keys.sorted()) }
        return verdict
    }
}
