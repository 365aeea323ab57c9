// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Primitives

/// The one binary. Each verb stands in a file of its own; this is only their list.
@main
struct Hutong: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hutong",
        abstract: "Publish a dataset without handing it over. 数据不出院，价值走胡同。",
        version: Version.text,
        subcommands: [
            SqlVerb.self,
            VersionVerb.self,
            LedgerVerb.self,
            MeterVerb.self,
        ]
    )
}

enum Version {
    static let text = "0.1.0"
}

struct VersionVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Say which Hutong this is. 显示版本。")
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        console.answer(["version": .string(Version.text)], text: "hutong " + Version.text)
    }
}
