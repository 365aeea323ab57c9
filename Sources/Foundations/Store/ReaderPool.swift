// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// What an engine gives a reader: one connection, used by one thread alone.
package protocol ReaderSession: AnyObject, SQLReading {
    /// Begins a transaction that sees everything committed before and nothing committed later.
    func begin() throws(Problem)
    /// Ends it.
    func finish()
    /// Closes the connection.
    func end()
}

/// A few threads, each with a connection of its own, that run what waits in one line.
package final class ReaderPool: Sendable {
    /// Reads that may wait: beyond this a node answers slower than its callers repeat themselves.
    package static let waitingMax = 16_384

    private typealias Reading = @Sendable ((any ReaderSession)?) -> Void

    private let line = WaitingLine<Reading>(limit: ReaderPool.waitingMax)
    private let threads: [EndedThread]

    /// - Parameter open: called once in each thread, so that a connection never changes threads.
    package init(count: Int, open: @escaping @Sendable () -> (any ReaderSession)?) {
        let line = line
        threads = (0..<count).map { place in
            EndedThread(name: "store reader \(place)") {
                let session = open()
                while let reading = line.take(1).first { reading(session) }
                session?.end()
            }
        }
    }

    package func read<Answer: Sendable>(
        _ body: @escaping @Sendable (any SQLReading) throws(Problem) -> Answer
    ) async throws(Problem) -> Answer {
        let result: Result<Answer, Problem> = await withCheckedContinuation { continuation in
            let entry = line.enter { session in
                continuation.resume(returning: Self.run(body, in: session))
            }
            switch entry {
            case .entered: break
            case .closed: continuation.resume(returning: .failure(.storeClosed))
            case .full: continuation.resume(returning: .failure(.writerBusy(waiting: Self.waitingMax)))
            }
        }
        return try result.get()
    }

    package func close() async {
        line.close()
        for thread in threads { await thread.ended() }
    }

    private static func run<Answer>(
        _ body: (any SQLReading) throws(Problem) -> Answer, in session: (any ReaderSession)?
    ) -> Result<Answer, Problem> {
        guard let session else {
            return .failure(Problem(.fault, "store.storage-failed", operatorNote: "no reading connection"))
        }
        do throws(Problem) {
            try session.begin()
            defer { session.finish() }
            return .success(try body(session))
        } catch {
            return .failure(error)
        }
    }
}
