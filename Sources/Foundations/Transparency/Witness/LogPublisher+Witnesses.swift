// SPDX-License-Identifier: Apache-2.0

import Identity
import Merkle
package import Primitives

extension LogPublisher {
    /// Asks the policy's witnesses for their cosignatures, until cancelled: background work of the node.
    ///
    /// Each witness has its own task: one that is dead or slow is asked again with growing pauses and delays
    /// only itself. `note` hears of every failure, for the operator's log.
    package func collectCosignatures(
        over transport: any WebTransport,
        clock: any Clock<Duration> = ContinuousClock(),
        note: @escaping @Sendable (TrustPolicy.Witness, Problem) -> Void = { _, _ in }
    ) async {
        let asked = policy.witnesses.filter { $0.url != nil }
        guard !asked.isEmpty else { return }
        isCollecting = true
        defer { isCollecting = false }
        await withDiscardingTaskGroup { group in
            for witness in asked {
                group.addTask { await self.attend(witness, over: transport, clock: clock, note: note) }
            }
        }
    }

    private func attend(
        _ witness: TrustPolicy.Witness,
        over transport: any WebTransport,
        clock: any Clock<Duration>,
        note: @Sendable (TrustPolicy.Witness, Problem) -> Void
    ) async {
        var asker = CosignatureRequest(witness: witness)
        var pause = Self.pauseMin
        while !Task.isCancelled {
            guard let work = work(for: witness) else {
                await change()
                continue
            }
            do {
                let lines = try await asker.ask(for: work, storage: storage, over: transport)
                try take(lines, from: witness, over: work)
                pause = Self.pauseMin
            } catch {
                note(witness, error)
                try? await clock.sleep(for: pause)
                pause = min(pause * 2, Self.pauseMax)
            }
        }
    }

    /// A witness that just restarts is asked soon; one that is away costs two requests a minute.
    private static let pauseMin = Duration.milliseconds(100)
    private static let pauseMax = Duration.seconds(30)
}

/// One witness's side of the collecting: remembers which size it cosigned last.
struct CosignatureRequest {
    let witness: TrustPolicy.Witness
    private var lastSize: UInt64 = 0

    init(witness: TrustPolicy.Witness) {
        self.witness = witness
    }

    /// Asks for a cosignature. A witness that cosigned another size than we remember says so, and is asked once
    /// more from there.
    mutating func ask(
        for signed: SignedCheckpoint,
        storage: any LogStorage,
        over transport: any WebTransport
    ) async throws(Problem) -> [NoteSignature] {
        var answer = try await post(signed, storage: storage, over: transport)
        if answer.status == 409, let size = Self.size(answer) {
            lastSize = size
            answer = try await post(signed, storage: storage, over: transport)
        }
        guard answer.status == 200 else { throw Self.refused(witness, "status \(answer.status)") }
        lastSize = signed.checkpoint.size
        let lines = String(decoding: answer.body.prefix(SignedNote.bytesMax), as: UTF8.self)
        return lines.split(separator: "\n").compactMap { NoteSignature(line: $0) }
    }

    private func post(
        _ signed: SignedCheckpoint,
        storage: any LogStorage,
        over transport: any WebTransport
    ) async throws(Problem) -> WebAnswer {
        guard lastSize <= signed.checkpoint.size else {
            // The witness saw more of this log than we have: this node runs from an older copy.
            throw Problem(
                .conflict,
                "transparency.log-behind",
                [
                    "size": .integer(Int64(signed.checkpoint.size)),
                    "published": .integer(Int64(clamping: lastSize)),
                ]
            )
        }
        var proof: [NodeHash] = []
        if lastSize > 0 {
            var reader = TileReader(size: signed.checkpoint.size, storage: storage)
            proof = try reader.consistencyProof(from: lastSize).path
        }
        let request = AddCheckpoint(oldSize: lastSize, proof: proof, checkpoint: signed)
        return try await transport.post(request.bytes, to: (witness.url ?? "") + "/add-checkpoint")
    }

    private static func size(_ answer: WebAnswer) -> UInt64? {
        guard answer.headers["content-type"] == "text/x.tlog.size", answer.body.last == 0x0a else {
            return nil
        }
        return Decimal.parse(String(decoding: answer.body.dropLast(), as: UTF8.self))
    }

    static func refused(_ witness: TrustPolicy.Witness, _ note: String) -> Problem {
        Problem(
            .unavailable,
            "transparency.witness-refused",
            ["witness": .text(witness.name)],
            operatorNote: note
        )
    }
}
