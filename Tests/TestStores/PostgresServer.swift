// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives
import Synchronization

/// A PostgreSQL of the tests' own: a cluster in a temporary folder on a private socket, made at the first use and
/// gone with this process, however it ends.
final class PostgresServer: Sendable {
    /// `nil` where PostgreSQL is not installed or does not start.
    static let shared = PostgresServer()

    private let folder: String
    private let program: String

    private init?() {
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql")) ?? []
        guard let newest = versions.sorted().last else { return nil }
        program = "/usr/lib/postgresql/\(newest)/bin"
        folder = NSTemporaryDirectory() + "hutong-pg-\(getpid())"
        guard start(), isReady() else { return nil }
    }

    /// The shell waits for the end of its input, which is the end of this process, then stops the server.
    private func start() -> Bool {
        let script = """
            mkdir -p "$1" && cd "$1" || exit 1
            "$2/initdb" --pgdata=data --auth=trust --username=hutong --encoding=UTF8 --no-sync --no-locale >initdb.log 2>&1
            "$2/postgres" -D data -k "$1" -c listen_addresses= -c max_connections=500 >server.log 2>&1 &
            server=$!
            cat >/dev/null
            kill -QUIT $server; wait $server
            cd / && rm -rf "$1"
            """
        // PostgreSQL refuses to run as root.
        let asUser =
            getuid() == 0 ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : []
        let shell = Process()
        shell.executableURL = URL(filePath: "/usr/bin/env")
        shell.arguments = asUser + ["sh", "-c", script, "sh", folder, program]
        let input = Pipe()
        shell.standardInput = input
        shell.standardOutput = FileHandle.nullDevice
        shell.standardError = FileHandle.nullDevice
        do { try shell.run() } catch { return false }
        PostgresServer.inputs.withLock { $0.append(input) }
        return true
    }

    /// Kept open until the process ends.
    private static let inputs = Mutex<[Pipe]>([])

    private func isReady() -> Bool {
        for _ in 0..<300 {
            if psql("SELECT 1") { return true }
            usleep(100_000)
        }
        return false
    }

    private func psql(_ statement: String) -> Bool {
        let client = Process()
        client.executableURL = URL(filePath: "\(program)/psql")
        client.arguments = ["-h", folder, "-U", "hutong", "-d", "postgres", "-q", "-c", statement]
        client.standardOutput = FileHandle.nullDevice
        client.standardError = FileHandle.nullDevice
        do { try client.run() } catch { return false }
        client.waitUntilExit()
        return client.terminationStatus == 0
    }

    /// The address of a schema, which is made if it does not exist.
    func url(ofSchema schema: String) throws(Problem) -> String {
        guard schema.contains("{") || psql("CREATE SCHEMA IF NOT EXISTS \(schema)") else {
            throw Problem(.unavailable, "test.no-postgres")
        }
        return "postgres:///postgres?host=\(folder)&user=hutong&options=-csearch_path%3D\(schema)"
    }
}
