// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Primitives

/// The one binary. Each verb stands in a file of its own; this is only their list.
@main
struct Hutong: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hutong",
        abstract: "Publish a dataset without handing it over. 数据不出院，价值走胡同。",
        version: Version.text,
        subcommands: [
            DemoVerb.self,
            ServeVerb.self,
            PublishVerb.self,
            ListVerb.self,
            ReviewVerb.self,
            SearchVerb.self,
            DemandVerb.self,
            CatalogVerb.self,
            AgreeVerb.self,
            OffersVerb.self,
            AcceptVerb.self,
            DeclineVerb.self,
            QueryVerb.self,
            MatchVerb.self,
            TemplateVerb.self,
            OpenVerb.self,
            OpenDataVerb.self,
            FetchVerb.self,
            DataRequestVerb.self,
            SpaceVerb.self,
            HarvestVerb.self,
            ShareVerb.self,
            TraceVerb.self,
            ReplayVerb.self,
            ReceiptsVerb.self,
            StatementVerb.self,
            PaymentVerb.self,
            BillVerb.self,
            ContractVerb.self,
            FiguresVerb.self,
            AttestVerb.self,
            MandateVerb.self,
            CodeVerb.self,
            EntityVerb.self,
            ValveVerb.self,
            PartyVerb.self,
            BackupVerb.self,
            RestoreVerb.self,
            SqlVerb.self,
            PSIVerbs.self,
            PolicyVerbs.self,
            ProfileVerb.self,
            StandardVerb.self,
            LedgerVerb.self,
            MeterVerb.self,
            RulesVerbs.self,
            ScanVerb.self,
            LogVerb.self,
            VerifyVerb.self,
            FsckVerb.self,
            WitnessVerb.self,
            MirrorVerb.self,
            DeidentifyVerb.self,
            QualityVerb.self,
            GradingVerb.self,
            LineageVerb.self,
            TerminalVerb.self,
            PackVerbs.self,
            CaseVerbs.self,
            RegistryVerbs.self,
            IndexVerbs.self,
            PlanVerbs.self,
            VersionVerb.self,
        ]
    )

    /// Exit codes: 0 done, 1 a problem, 2 usage, 3 a storage fault.
    static func main() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
            FileHandle.standardError.write(Data((fullMessage(for: error) + "\n").utf8))
            Foundation.exit(2)
        }
    }
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
