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
            DemoVerb.self,
            ServeVerb.self,
            PublishVerb.self,
            ListVerb.self,
            SearchVerb.self,
            DemandVerb.self,
            AgreeVerb.self,
            OffersVerb.self,
            AcceptVerb.self,
            DeclineVerb.self,
            QueryVerb.self,
            OpenVerb.self,
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
            PackVerbs.self,
            IndexVerbs.self,
            PlanVerbs.self,
            VersionVerb.self,
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
