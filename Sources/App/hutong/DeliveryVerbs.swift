// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Primitives

/// `hutong open-data FILE…`: published, and open to everybody.
struct OpenDataVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "open-data", abstract: "Open a file's data to everybody. 无条件开放一份数据。",
        discussion: """
            Example: hutong open-data air.csv --title 空气质量 --document 市环境中心数据开放清单 --license CC-BY-4.0
            The answer is the address of its page: preview, CSV, Parquet and JSON, and how to read it from programs.
            """)
    @Argument(help: "CSV, JSON or Parquet files of one form.") var files: [String]
    @Option(help: "What people call it; the file's name without this.") var title: String?
    @Option(help: "One or two sentences.") var about = ""
    @Option(help: "Who owns the source; this node's party without this.") var owner: String?
    @Option(help: "consent, contract, legal-duty, own-operation, license, …") var ground = "own-operation"
    @Option(help: "The document that orders or permits the opening.") var document: String
    @Option(help: "Name or address of the license.") var license = "CC-BY-4.0"
    @Option(help: "Keywords, with commas.") var keywords: String?
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let node = try await door.open()
        let stem = URL(filePath: files.first ?? "data").deletingPathExtension().lastPathComponent
        var staged: [JSON] = []
        for file in files { staged.append(.string(try await node.stage(file))) }
        let name = title ?? stem
        let party = try await node.get("/healthz")["name"]?.text
        let owner = owner ?? party ?? "node"
        let taken = try await node.post(
            "/api/v1/assets",
            [
                "deliveries": .array(staged), "title": .string(name),
                "source": [
                    "name": .string(name), "kind": "institution", "owner": .string(owner),
                    "collector": .string(owner), "method": "system", "ground": .string(ground),
                    "document": .string(document),
                ],
            ])
        let asset = taken["asset"]?.text ?? ""
        let catalog = FileManager.default.temporaryDirectory.appending(path: "\(asset).catalog.json")
        defer { try? FileManager.default.removeItem(at: catalog) }
        let words = (keywords ?? stem).split(separator: ",").map { JSON.string(String($0)) }
        try Data(
            JSON.object(["license": .string(license), "keywords": .array(words)]).canonicalBytes
        ).write(to: catalog)
        let listing = try ListingOptions.parse([
            "--title", name, "--about", about.isEmpty ? name : about, "--openness", "unconditional",
            "--doors",
            "download", "--confirm", "--catalog", catalog.path(percentEncoded: false), "--table", "data",
        ])
        let answer = try await Offering(asset: asset, options: listing, node: node).run()
        let code = answer["listing"]?.text ?? ""
        console.answer(
            [
                "asset": .string(asset), "listing": .string(code), "state": answer["state"] ?? .null,
                "page": .string("/open/" + code),
            ],
            text: Offering.text(answer, console) + "\n/open/" + code)
    }
}

/// `hutong fetch AGREEMENT`: a copy under an agreement, brought by this node until it is whole.
struct FetchVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "fetch", abstract: "Bring the data of an agreement. 取得合约项下的数据。",
        discussion: """
            Example: hutong fetch agr-… --from http://127.0.0.1:8081/dsp/2025-1 --out air.csv
            The node asks the provider's connector for a transfer and fetches what it opens. A fetch that breaks off \
            goes on where it was; the file's SHA-256 must be the one its sender stated.
            """)
    @Argument(help: "The agreement's code.") var agreement: String
    @Option(help: "The provider's Dataspace Protocol address.") var from: String
    @Option(help: "csv, parquet or json.") var form = "csv"
    @Option(help: "Where the file goes.") var out: String
    @Option(help: "Seconds to wait; the node goes on afterwards.") var patience = 600
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let node = try await door.open()
        let begun = try await node.post(
            "/api/v1/dataspace/transfers", ["agreement": .string(agreement), "address": .string(from)])
        let pid = begun["pid"]?.text ?? ""
        _ = try await wait(console) { () throws(Problem) in
            let all = try await node.get("/api/v1/dataspace/transfers")["transfers"]?.array ?? []
            return all.first { $0["pid"]?.text == pid && $0["state"]?.text != "REQUESTED" }
        }
        let task =
            try await node.post(
                "/api/v1/dataspace/transfers/\(pid.escaped)/fetch", ["form": .string(form)])["task"]?.text
            ?? ""
        let done = try await wait(console) { () throws(Problem) in
            let all = try await node.get("/api/v1/dataspace/deliveries")["deliveries"]?.array ?? []
            return all.first { $0["task"]?.text == task && $0["state"]?.text != "waiting" }
        }
        guard done["state"]?.text == "done" else {
            throw Problem(.unavailable, "deliver.task-unfinished", ["task": .text(task)])
        }
        let bytes = try await node.bytes("/api/v1/dataspace/deliveries/\(task)/file")
        try Data(bytes).write(to: URL(filePath: out))
        console.answer(done, text: "\(out)  \(bytes.count) B  SHA-256 \(done["digest"]?.text ?? "")")
    }

    private func wait(
        _ console: Console, _ look: () async throws(Problem) -> JSON?
    ) async throws -> JSON {
        let end = ContinuousClock.now + .seconds(patience)
        while ContinuousClock.now < end {
            if let found = try await look() { return found }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw Problem(.unavailable, "deliver.task-unfinished", ["task": .text(agreement)])
    }
}

/// `hutong request …`: applications for data 依申请.
struct DataRequestVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "request", abstract: "Apply for data, decide, appeal, report. 依申请开放。",
        subcommands: [Make.self, List.self, Step.self])

    struct Make: Verb {
        static let configuration = CommandConfiguration(
            commandName: "make", abstract: "Apply for a listing's data. 提出申请。",
            discussion: """
                Example: hutong request make lst-… --purpose 城市研究 --fields station,pm25 --until 2027-06-30 \
                --safeguards 专网专机
                """)
        @Argument(help: "The listing's code.") var listing: String
        @Option(help: "What the data are for.") var purpose: String
        @Option(help: "The fields needed, with commas.") var fields: String
        @Option(help: "A day, or a moment with its zone.") var until: String
        @Option(help: "How the data will be kept.") var safeguards: String
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().post(
                "/api/v1/requests",
                [
                    "listing": .string(listing), "purpose": .string(purpose), "fields": .string(fields),
                    "until": .string(until), "safeguards": .string(safeguards),
                ])
            console.answer(answer, text: Columns.text([answer], ["case", "stateTitle", "due"]))
        }
    }

    struct List: Verb {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "The inbox: whose turn, until when. 申请收件箱。")
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().get("/api/v1/requests")
            console.answer(
                answer,
                text: Columns.text(
                    answer["requests"], ["case", "subject", "applicant", "stateTitle", "owner", "due"]))
        }
    }

    struct Step: Verb {
        static let configuration = CommandConfiguration(
            commandName: "step", abstract: "Take a step: approve, refuse, appeal, report, withdraw, … 办理。",
            discussion: """
                Example: hutong request step cas-… approve --input fields=station,pm25 --input until=2027-03-31
                         hutong request step cas-… refuse --input reason=数据尚未脱敏
                """)
        @Argument var code: String
        @Argument(help: "approve, refuse, retract, appeal, overturn, uphold, report, withdraw.") var step:
            String
        @Option(help: "name=value; may be repeated.") var input: [String] = []
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            var inputs: [String: JSON] = [:]
            for pair in input {
                let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
                guard parts.count == 2 else { throw ValidationError("--input takes name=value") }
                inputs[parts[0]] = .string(parts[1])
            }
            let answer = try await door.open().post(
                "/api/v1/requests/\(code)/actions", ["step": .string(step), "inputs": .object(inputs)])
            console.answer(answer, text: Columns.text([answer], ["case", "stateTitle", "due"]))
        }
    }
}

/// `hutong space …`: data spaces and zones.
struct SpaceVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "space", abstract: "Data spaces and zones. 数据空间与专区。",
        subcommands: [List.self, Open.self, Join.self, Admit.self])

    struct List: Verb {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Every space, with operator and limits.")
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().get("/api/v1/spaces")
            console.answer(
                answer, text: Columns.text(answer["spaces"], ["space", "kind", "operator", "feeCeiling"]))
        }
    }

    struct Open: Verb {
        static let configuration = CommandConfiguration(
            commandName: "open", abstract: "Open a space and authorize its operator. 设立专区。",
            discussion: """
                Example: hutong space open finance --operator 金融数据运营公司 --until 2028-12-31T16:00:00Z \
                --fee-ceiling 2CNY --holders-share 3000 --entry 持牌金融机构
                """)
        @Argument(help: "finance, medicine, transport, location, aerospace, research, other.") var kind:
            String
        @Option(help: "A party's code or name.") var `operator`: String
        @Option(help: "When the authorization ends.") var until: String
        @Option(help: "What a member has to fulfil.") var entry = ""
        @Option(help: "The most that one use may cost.") var feeCeiling: String?
        @Option(help: "What goes back to holders, of 10000.") var holdersShare: Int64 = 0
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().post(
                "/api/v1/spaces",
                [
                    "kind": .string(kind), "operator": .string(`operator`), "until": .string(until),
                    "entry": .string(entry), "feeCeiling": feeCeiling.map(JSON.string) ?? .null,
                    "holdersShare": .integer(holdersShare),
                ])
            console.answer(answer, text: Columns.text([answer], ["space", "kind", "operator", "mandate"]))
        }
    }

    struct Join: Verb {
        static let configuration = CommandConfiguration(
            commandName: "join", abstract: "Ask to become a member.")
        @Argument(help: "The space's code.") var space: String
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().post("/api/v1/spaces/\(space)/members")
            console.answer(answer, text: Columns.text([answer], ["space", "standing"]))
        }
    }

    struct Admit: Verb {
        static let configuration = CommandConfiguration(
            commandName: "admit", abstract: "The operator admits a party, or ends its part.")
        @Argument(help: "The space's code.") var space: String
        @Argument(help: "A party's code or name.") var party: String
        @Flag(help: "End its part instead.") var leave = false
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().post(
                "/api/v1/spaces/\(space)/members/\(party.escaped)", ["standing": leave ? "left" : "member"])
            console.answer(answer, text: Columns.text([answer], ["party", "standing"]))
        }
    }
}

/// `hutong harvest URL`: a foreign catalog, read into ours.
struct HarvestVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "harvest", abstract: "Read a foreign CKAN or Dataspace Protocol catalog. 汇集外部目录。",
        discussion: """
            Example: hutong harvest https://data.example.org --kind ckan --name 某市开放平台 --every 6h
            What several catalogs list is kept once, with every origin; what changed or was withdrawn since the last \
            reading is noticed and stays. Without URL: the catalogs that are read, and when next.
            """)
    @Argument(help: "The catalog's root, or a connector's protocol address.") var url: String?
    @Option(help: "ckan or dsp.") var kind = "ckan"
    @Option(help: "What people call it.") var name: String?
    @Option(help: "A bearer token for a Dataspace Protocol catalog; nodes of known parties need none.")
    var token: String?
    @Option(help: "Read it again at this interval: 30m, 6h, 1d; 0 ends that.") var every: String?
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let node = try await door.open()
        guard let url else {
            let answer = try await node.get("/api/v1/harvests")
            return console.answer(
                answer,
                text: Columns.text(
                    answer["sources"], ["name", "kind", "url", "count", "harvestedAt", "dueAt", "lastError"]))
        }
        let answer = try await node.post(
            "/api/v1/harvests",
            [
                "url": .string(url), "kind": .string(kind), "name": .string(name ?? ""),
                "token": token.map(JSON.string) ?? .null,
                "every": try every.map { .integer(try Self.seconds($0)) } ?? .null,
            ])
        console.answer(answer, text: Columns.text([answer], ["name", "kind", "count", "dueAt"]))
    }

    /// `90`, `30m`, `6h` or `1d` in seconds.
    private static func seconds(_ text: String) throws -> Int64 {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        let unit = text.last.flatMap { units[$0] }
        guard let count = Int64(unit == nil ? text[...] : text.dropLast()), count >= 0,
            count <= Int64(Int32.max)
        else { throw ValidationError("--every takes an interval such as 30m, 6h or 1d.") }
        return count * (unit ?? 1)
    }
}

/// `hutong share`: a Delta Sharing profile.
struct ShareVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "share", abstract: "A profile file for Delta Sharing readers. 数据共享配置文件。",
        discussion: """
            Example: hutong share --purpose statistics > city.share
                     python3 -c 'import delta_sharing; print(delta_sharing.load_as_pandas("city.share#city.data.air"))'
            """)
    @Option(help: "The purpose of the reading, where the terms ask for one.") var purpose = ""
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let profile = try await door.open().post("/api/v1/share-profile", ["purpose": .string(purpose)])
        console.answer(profile, text: profile.prettyText)
    }
}

/// `hutong trace FILE`: whose delivery a leaked file is.
struct TraceVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "trace", abstract: "Say to whom a leaked file was delivered. 数据泄露溯源。",
        discussion: """
            Example: hutong trace leaked.csv --asset ast-…
            Every file that leaves under an agreement carries its recipient's mark in the order of its rows: no value \
            is changed. It is found while rows can be told apart and stand in their order; rows and columns may be missing.
            """)
    @Argument var file: String
    @Option(help: "The asset it is said to come from.") var asset: String
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let form = file.hasSuffix(".parquet") ? "parquet" : file.hasSuffix(".json") ? "json" : "csv"
        let answer = try await door.open().upload(
            file, to: "/api/v1/traces?asset=\(asset.escaped)&form=\(form)")
        console.answer(
            answer,
            text: Columns.text(
                answer["deliveries"], ["passage", "recipient", "at", "pairs", "agreeing", "isConvincing"]))
    }
}
