// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Runs another program and returns what it wrote.
enum ExternalTool {
    struct Failure: Error {
        let status: Int32
        let output: String
    }

    static func run(
        _ program: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        folder: String? = nil
    ) throws -> [UInt8] {
        let process = Foundation.Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
        if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let bytes = [UInt8](output.fileHandleForReading.readDataToEndOfFile())
        let complaint = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(
                status: process.terminationStatus,
                output: String(decoding: bytes + complaint, as: UTF8.self)
            )
        }
        return bytes
    }
}
