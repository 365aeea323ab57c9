// SPDX-License-Identifier: Apache-2.0

private import struct Crypto.SHA256
import Dataspace
private import Foundation
import Lane
package import Primitives
import Register
import Store
private import Transparency

/// Files that we pull under started transfers: begun by a verb, carried on by the node until they are whole.
extension DataspaceService {
    /// Begins to bring what a started transfer of ours opened.
    package func fetch(_ pid: String, as form: FileForm) async throws(Problem) -> DeliveryTask {
        let context = context
        return try await context.store.write { transaction throws(Problem) in
            let book = ProcessStore(reading: transaction, writing: transaction, own: context.own)
            guard let transfer = try book.transfer(pid), transfer.side == .consumer else {
                throw Problem(.missing, "deliver.transfer-unknown", ["transfer": .text(pid)])
            }
            guard transfer.state == .started, transfer.dataAddress != nil else {
                throw Problem(
                    .conflict, "deliver.transfer-closed",
                    ["transfer": .text(pid), "state": .text(transfer.state.rawValue)])
            }
            let task = DeliveryTask(
                id: ID(at: transaction.now), transfer: pid, form: form, passage: ID(at: transaction.now),
                at: transaction.now)
            try TaskBook.put(task, in: transaction)
            return task
        }
    }

    /// Every task, the newest first.
    package func tasks() async throws(Problem) -> [DeliveryTask] {
        try await context.store.read { reading throws(Problem) in try TaskBook.all(in: reading) }
    }

    /// The file of a task that is done.
    package func delivered(_ code: String) async throws(Problem) -> DeliveredFile {
        let task = try await tasks().first { $0.code.text == Code(code)?.text }
        guard let task, task.state == .done, let digest = task.digest else {
            throw Problem(.missing, "deliver.task-unfinished", ["task": .text(code)])
        }
        return DeliveredFile(
            path: path(of: task), form: task.form, byteCount: task.byteCount, rowCount: 0, digest: digest)
    }

    private func path(of task: DeliveryTask) -> String {
        "\(delivery.writer.folder)/in-\(task.id.uuid).\(task.form.rawValue)"
    }

    // MARK: What is due

    /// One attempt at every task that is due.
    package func bring() async throws(Problem) {
        let now = context.clock.now()
        let due = try await context.store.read { reading throws(Problem) in
            try TaskBook.due(at: now, in: reading)
        }
        for task in due { try await attempt(task) }
    }

    private func attempt(_ due: DeliveryTask) async throws(Problem) {
        var task = due
        let path = path(of: task)
        do throws(Problem) {
            let transfer = try await transfer(of: task)
            guard let transfer, transfer.state == .started, let address = transfer.dataAddress else {
                task.giveUp("transfer-" + (transfer?.state.rawValue.lowercased() ?? "unknown"))
                return try await keep(task)
            }
            let url = "\(address.endpoint ?? "")?form=\(task.form.rawValue)&passage=\(task.passage.uuid)"
            var part = try await outside.fetch(
                url, token: address["authorization"] ?? "", from: Self.size(of: path), into: path)
            if part.status == 403, let fresh = try await refreshed(address) {
                part = try await outside.fetch(url, token: fresh, from: Self.size(of: path), into: path)
            }
            try await take(part, for: task, at: path)
        } catch {
            task.noteFailed(
                error.operatorNote ?? error.code, byteCount: Self.size(of: path), at: context.clock.now())
            try await keep(task)
        }
    }

    private func take(_ part: FetchedPart, for due: DeliveryTask, at path: String) async throws(Problem) {
        var task = due
        let now = context.clock.now()
        guard part.status == 200 || part.status == 206 || part.status == 416 else {
            // A refusal is an answer; a server in trouble is asked again.
            if (400..<500).contains(part.status), part.status != 429 {
                task.giveUp(part.problem ?? "status-\(part.status)")
            } else {
                task.noteFailed("status-\(part.status)", byteCount: Self.size(of: path), at: now)
            }
            return try await keep(task)
        }
        task.note(byteCount: Self.size(of: path), total: part.total, digest: part.digest, at: now)
        guard task.total == nil || task.byteCount >= task.total ?? 0 else { return try await keep(task) }
        guard task.finish(as: Self.digest(of: path), at: now) else {
            try? FileManager.default.removeItem(atPath: path)
            return try await keep(task)
        }
        let (context, done) = (context, task)
        try await context.store.write { transaction throws(Problem) in
            try TaskBook.put(done, in: transaction)
            // The receiver's leaf names the same digest as the sender's.
            try context.record(
                .passageAnswered, done.code,
                [
                    "received": .string(done.digest?.hex ?? ""), "passage": .string(part.passage ?? ""),
                    "bytes": .integer(done.byteCount),
                ], in: transaction)
        }
        // The other side may have ended the transfer by itself.
        _ = try? await make(.complete, on: task.transfer)
    }

    private func transfer(of task: DeliveryTask) async throws(Problem) -> TransferProcess? {
        let context = context
        return try await context.store.read { reading throws(Problem) in
            try ProcessStore(reading: reading, writing: nil, own: context.own).transfer(task.transfer)
        }
    }

    private func refreshed(_ address: DataAddress) async throws(Problem) -> String? {
        guard let endpoint = address["refreshEndpoint"],
            let token = address["refreshToken"]
        else { return nil }
        let answer = try? await outside.post(
            endpoint, ["grant_type": "refresh_token", "refresh_token": .string(token)])
        return answer?["access_token"]?.text
    }

    private func keep(_ task: DeliveryTask) async throws(Problem) {
        try await context.store.write { transaction throws(Problem) in try TaskBook.put(task, in: transaction)
        }
    }

    private static func size(of path: String) -> Int64 {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.size] as? NSNumber)?.int64Value ?? 0
    }

    private static func digest(of path: String) -> Digest {
        var hash = SHA256()
        if let handle = FileHandle(forReadingAtPath: path) {
            defer { try? handle.close() }
            while let piece = try? handle.read(upToCount: 1 << 20), !piece.isEmpty {
                hash.update(data: piece)
            }
        }
        return Digest(hash.finalize())
    }
}

/// The delivery tasks of a node.
enum TaskBook {
    static func put(_ task: DeliveryTask, in transaction: any SQLWriting) throws(Problem) {
        try transaction.execute(
            """
            INSERT INTO deliver_task (id, code, state, document, due_at, changed_at) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET state = excluded.state, document = excluded.document,
            due_at = excluded.due_at, changed_at = excluded.changed_at
            """,
            [task.id, task.code, task.state.rawValue, task.json, task.nextAttempt, transaction.now])
    }

    static func all(in reading: any SQLReading) throws(Problem) -> [DeliveryTask] {
        try reading.all("SELECT document FROM deliver_task ORDER BY changed_at DESC LIMIT 200", []) {
            row throws(Problem) in try DeliveryTask(stored: try row.json(0))
        }
    }

    static func due(at now: Instant, in reading: any SQLReading) throws(Problem) -> [DeliveryTask] {
        try reading.all(
            "SELECT document FROM deliver_task WHERE due_at <= ? ORDER BY due_at LIMIT 20", [now]
        ) { row throws(Problem) in try DeliveryTask(stored: try row.json(0)) }
    }
}
