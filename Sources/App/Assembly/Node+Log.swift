// SPDX-License-Identifier: Apache-2.0

private import Foundation
import HTTPAPI
import Identity
import Logging
import Primitives
import Register
private import SignersOpenSSL
import Store
import Transparency
private import TransparencyHTTP

/// The log's side of a node: which keys sign its checkpoints, whose cosignatures make them count, who is asked for
/// them, and where they are anchored.
extension Node {
    /// The publisher with the folder's policy and keys. `--trust` replaces `DATA/trust.policy`; a node that was once
    /// started with witnesses goes on asking them, so that no restart makes a checkpoint count for less.
    static func evidence(
        _ settings: NodeSettings, keys: KeyFolder, logKey: NoteSigner, store: any DataStore,
        storage: LogFolder
    ) throws(Problem) -> LogPublisher {
        let signers = [logKey] + (try sm2Line(settings, keys: keys, name: logKey.key.name).map { [$0] } ?? [])
        let file = settings.data + "/trust.policy"
        var policy = TrustPolicy(log: logKey.key)
        if let given = settings.evidence.trust {
            policy = try readPolicy(given)
        } else if FileManager.default.fileExists(atPath: file) {
            policy = try readPolicy(file)
        }
        policy = policy.adding(logs: signers.map(\.key))
        guard policy.isReachable else { throw Problem(.invalid, "transparency.policy-unreachable") }
        if !policy.witnesses.isEmpty || signers.count > 1 {
            do {
                try Data(policy.text.utf8).write(to: URL(filePath: file), options: .atomic)
            } catch {
                throw Problem(.fault, "store.storage-failed", operatorNote: "\(error)")
            }
        }
        return LogPublisher(
            store: store, storage: storage, signers: signers, policy: policy,
            checkers: SignatureCheckers(SM2Checker()))
    }

    private static func readPolicy(_ file: String) throws(Problem) -> TrustPolicy {
        guard let bytes = FileManager.default.contents(atPath: file) else {
            throw Problem(.missing, "app.file-unreadable", ["file": .text(file)])
        }
        do {
            return try TrustPolicy(parsing: String(decoding: bytes, as: UTF8.self))
        } catch {
            throw error.problem
        }
    }

    /// 国密: the second signature line, once the folder has its key or the operator asks for one.
    private static func sm2Line(
        _ settings: NodeSettings, keys: KeyFolder, name: String
    ) throws(Problem) -> NoteSigner? {
        let isStored = try keys.stored(SM2Signer.fileName) != nil
        guard settings.evidence.signsWithSM2 || isStored else { return nil }
        return NoteSigner(name: name, purpose: .sm2, signer: try SM2Signer.open(in: keys))
    }

    /// `DATA/registration.json`, or the standard kinds without notice periods.
    static func registrationRules(_ data: String) throws(Problem) -> RegistrationRules {
        guard let bytes = FileManager.default.contents(atPath: data + "/registration.json") else {
            return .standard
        }
        do {
            return try RegistrationRules(json: try JSON(parsing: [UInt8](bytes)))
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(
                .invalid, "register.rules-malformed", ["line": .integer(0)], operatorNote: "\(error)")
        }
    }

    // MARK: Background work

    /// Asks the witnesses until cancelled. One that is away is told to the operator once an hour at most.
    func collectCosignatures(_ logger: Logger) async {
        let told = Shared<[String: Instant]>([:])
        await courtyard.publisher.collectCosignatures(over: HTTPWebTransport()) { witness, problem in
            let now = WallClock.system.now()
            let last = told.exchange(now, for: witness.name, unlessWithin: .seconds(3600))
            guard last else { return }
            logger.warning(
                "a witness did not cosign",
                metadata: [
                    "transparency.witness": "\(witness.name)", "problem.code": "\(problem.code)",
                    "note": "\(problem.operatorNote ?? "")",
                ])
        }
    }

    /// Turns the refusals of past hours into leaves.
    func sealRefusals() async throws(Problem) {
        let log = courtyard.context.log
        var sealed = 0
        repeat {
            sealed = try await store.write { writing throws(Problem) in try log.sealRefusals(in: writing) }
        } while sealed == TransparencyLog.refusalsSealedAtOnce
    }

    /// Time between two stamps; what was stamped last counts, so that a restart asks no sooner.
    private static let anchorPause = Duration.seconds(3600)

    /// Has the newest checkpoint stamped by the authority of the settings, if the log grew since the last stamp and
    /// that was an hour ago.
    func anchorCheckpoint() async throws(Problem) {
        guard let (url, file) = settings.evidence.anchor else { return }
        guard let certificates = try? String(contentsOfFile: file, encoding: .utf8) else {
            throw Problem(.missing, "app.file-unreadable", ["file": .text(file)])
        }
        let last = try await store.read { reading throws(Problem) in
            try TransparencyLog.newestStamp(in: reading)
        }
        if let last, WallClock.system.now() < last.time.advanced(by: Self.anchorPause) { return }
        // Without witnesses every checkpoint counts as witnessed.
        guard let checkpoint = await courtyard.publisher.witnessedCheckpoint else { return }
        // The stamp is itself a leaf: one more leaf than was stamped is nothing new.
        let known = last.map { $0.checkpoint.checkpoint.size + 1 } ?? 0
        guard checkpoint.checkpoint.size > known else { return }
        let anchor = Anchor(
            authority: URL(string: url)?.host() ?? url, url: url, certificates: certificates,
            tokens: OpenSSLTimestamps())
        let stamp = try await anchor.stamp(checkpoint, over: HTTPWebTransport())
        let log = courtyard.context.log
        try await store.write { writing throws(Problem) in _ = try log.record(stamp, in: writing) }
    }
}

extension Shared<[String: Instant]> {
    /// True if nothing was noted under the name within the time; then notes this moment.
    fileprivate func exchange(_ now: Instant, for name: String, unlessWithin time: Duration) -> Bool {
        var isFirst = false
        update { notes in
            isFirst = notes[name].map { now >= $0.advanced(by: time) } ?? true
            if isFirst { notes[name] = now }
        }
        return isFirst
    }
}
