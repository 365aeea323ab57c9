// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Oblivious
import PSI
import Primitives

/// Private match between two processes, without an exchange: for scripts, trials and measurements.
struct PSIVerbs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "psi", abstract: "Match two tables without showing the rest. 隐私求交。",
        subcommands: [PSIPartyVerb.self, PSIPrepareVerb.self, PSIBenchVerb.self])
}

struct PSIPartyVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "party", abstract: "Be one side of a private match. 作为一方参与隐私求交。",
        discussion: """
            The listening side receives the result; the connecting side answers. Plain TCP: loopback or a tunnel only.
              hutong psi party --listen 127.0.0.1:7000 --in ours.csv --key phone --out matched.csv
              hutong psi party --connect 127.0.0.1:7000 --in theirs.csv --key phone
            Sums are of the connecting side's column, by groups of the listening side's rows:
              hutong psi party --listen 127.0.0.1:7000 --in ours.csv --key id --by district --want sum --minimum 10
              hutong psi party --connect 127.0.0.1:7000 --in theirs.csv --key id --want sum:cost --minimum 10
            A few keys against a large table, whose encoding both sides keep for the next time:
              hutong psi party --listen 127.0.0.1:7000 --protocol unbalanced --in few.csv --key id --cache few.tags
              hutong psi party --connect 127.0.0.1:7000 --protocol unbalanced --in all.csv --key id --cache all.key
            Linked rows that neither side sees, as shares that add up in each bin, and a sum opened from them:
              hutong psi party --listen 127.0.0.1:7000 --protocol rr22 --want shares --in ours.csv --key id --out s1.csv
              hutong psi party --connect 127.0.0.1:7000 --protocol rr22 --want shares:cost --in theirs.csv --key id --out s2.csv
            Tables beyond memory, and runs that go on where they were cut off: --work FOLDER on both sides.
            What `hutong psi prepare` made ahead with the same peer is used up by --prepared FILE on both sides.
            """)
    @OptionGroup var output: OutputOptions
    @OptionGroup var terms: PartyTerms
    @Option(help: "Address to listen on, host:port; this side receives.") var listen: String?
    @Option(help: "Address to connect to, host:port; this side answers.") var connect: String?
    @Option(help: "CSV file with a header line.") var `in`: String
    @Option(help: "Key columns, comma separated.") var key: String
    @Option(help: "Count or sum the matches by this column (listening side, --want size or sum).") var by:
        String?
    @Option(help: "Where matched rows are written.") var out: String?
    @Option(help: "Seconds to wait for the peer's next message.") var deadline = 120
    @Option(
        help:
            "Under unbalanced: the file where this side keeps the encoding (the connecting side: and its key)."
    )
    var cache: String?
    @Option(
        help: "Under unbalanced, connecting side: days until the encoding is made anew under another key.")
    var rekeyDays = 30
    @Option(help: "A folder for parts on disk: bounded memory, and a run that goes on where it was cut off.")
    var work: String?
    @Option(help: "With --work: how often a lost connection is made again.") var retries = 5
    @Option(help: "Cores that an encoding may take.") var threads = 1
    @Option(help: "Under rr22: what `hutong psi prepare` left, used once and gone.") var prepared: String?

    func validate() throws {
        guard (listen == nil) != (connect == nil) else {
            throw ValidationError("Give either --listen or --connect.")
        }
        guard !key.split(separator: ",").isEmpty else {
            throw ValidationError("Name at least one key column.")
        }
        if terms.want.output.hasSums, listen == nil, terms.want.column == nil {
            throw ValidationError("The connecting side names the column: --want sum:COL or shares:COL.")
        }
        if terms.output == .shares, by != nil {
            throw ValidationError("--by does not go with shares: use --protocol ecdh for sums by group.")
        }
        if work != nil, terms.want.name != "rows", terms.want.name != "rows-both" {
            throw ValidationError("--work goes with --want rows or rows-both.")
        }
        if prepared != nil,
            terms.method != .rr22 || work != nil || !["rows", "rows-both"].contains(terms.want.name)
        {
            throw ValidationError(
                "--prepared goes with --protocol rr22, --want rows or rows-both, without --work.")
        }
        if work != nil, terms.method == .unbalanced {
            throw ValidationError(
                "--work does not go with --protocol unbalanced: its large side is kept by --cache.")
        }
    }

    func run(_ console: Console) async throws {
        try terms.requireOffered()
        let start = ContinuousClock.now
        let run = PartyRun(verb: self, console: console)
        do {
            var members = try await run.play()
            members["seconds"] = .number(start.duration(to: .now) / .seconds(1))
            members["cpu_seconds"] = .number(ResourceUse.now.cpuSeconds)
            members["peak_rss_mb"] = .integer(Int64(ResourceUse.now.peakMebibytes))
            let json = JSON.object(members)
            console.answer(json, text: json.prettyText)
        } catch let failure as PSIFailure {
            throw Problem(
                .unavailable, "psi.run-ended", ["reason": .text("\(failure)"), "file": .text(`in`)])
        }
    }
}

/// What both sides must say alike.
struct PartyTerms: ParsableArguments {
    @Option(
        name: .customLong("protocol"),
        help: "rr22, rr22-malicious, ecdh, ecdh-ristretto, ecdh-sm2 or unbalanced.")
    var method = PSIMethod.ecdh
    @Option(help: "rows, rows-both, size, sum or shares (the connecting side: sum:COL, shares:COL).")
    var want = PartyWant.rows
    @Option(help: "Fewer matches than this are not told (--want size or sum).") var minimum = 0
    @Option(help: "The largest magnitude one key counts for in a sum; what is beyond is taken to it.")
    var most: Int64 = 1_000_000
    @Option(help: "Decimals of the summed column.") var decimals = 0
    @Option(help: "Normalization steps: trim,width,lower,upper,phone.") var normalize = "trim,width"

    var recipe: KeyRecipe {
        KeyRecipe(steps: normalize.split(separator: ",").compactMap { KeyRecipe.Step(rawValue: String($0)) })
    }

    /// What the protocol is to give: a size below a minimum must be held back by the side that counts.
    /// Under rr22 a sum is opened from shares.
    var output: PSIOutput {
        if want.output == .heldSum, method == .rr22 { return .shares }
        return want.output == .size && minimum > 0 ? .held : want.output
    }

    func validate() throws {
        guard minimum >= 0, most > 0, (0...9).contains(decimals) else {
            throw ValidationError("--minimum is 0 or more, --most more than 0, --decimals 0…9.")
        }
    }

    /// Refuses before any file is read what the protocol cannot give without showing more.
    func requireOffered() throws {
        guard !method.offers(output) else { return }
        let offered = PSIMethod.allCases.filter { $0.offers(output) }.map(\.rawValue)
        throw Problem(
            .invalid, "psi.want-not-offered",
            ["protocol": .text(method.rawValue), "want": .text(want.name), "protocols": .list(offered)])
    }

    /// What of this is not in the protocol's own plan.
    var agreed: Digest {
        let json: JSON = [
            "most": .integer(most), "decimals": .integer(Int64(decimals)), "want": .string(want.name),
        ]
        return Digest(of: json.canonicalBytes)
    }
}

extension PSIMethod: ExpressibleByArgument {}

/// `rows`, `rows-both`, `size`, or `sum` and `shares` with `:COL` on the side that has the column.
struct PartyWant: ExpressibleByArgument {
    let name: String
    let column: String?

    static let rows = PartyWant(name: "rows", column: nil)

    private init(name: String, column: String?) { (self.name, self.column) = (name, column) }

    init?(argument: String) {
        let parts = argument.split(separator: ":", maxSplits: 1).map(String.init)
        guard let name = parts.first, ["rows", "rows-both", "size", "sum", "shares"].contains(name),
            parts.count == 1 || ["sum", "shares"].contains(name)
        else { return nil }
        self.init(name: name, column: parts.count == 2 ? parts[1] : nil)
    }

    var output: PSIOutput {
        switch name {
        case "rows-both": .rowsToBoth
        case "size": .size
        case "sum": .heldSum
        case "shares": .shares
        default: .rowsToReceiver
        }
    }
}

extension PSIOutput {
    var hasSums: Bool { self == .heldSum || self == .shares }
    /// Whether the side that gets the result asks, and the other counts and releases.
    var isHeld: Bool { self == .held || self == .heldSum }
}
