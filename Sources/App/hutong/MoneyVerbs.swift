// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Primitives

/// `hutong payment show|dispute|rule|refund PASSAGE`: the money of one use, after it.
struct PaymentVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "payment", abstract: "The money of one use: look, dispute, rule, refund. 单次使用的款项。",
        discussion: """
            A buyer may dispute a use within seven days: its money is called back into escrow and only a ruling moves it.
            Example: hutong payment dispute psg-7k3m9x2pqv0dc --why 结果与说明不符
            """,
        subcommands: [Show.self, Dispute.self, Rule.self, Refund.self])

    struct Show: Verb {
        static let configuration = CommandConfiguration(abstract: "Where the money is. 款项状态。")
        @Argument(help: "A passage's code.") var passage: String
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            console.answerMoney(try await door.open().get("/api/v1/passages/\(passage)/money"))
        }
    }

    struct Dispute: Verb {
        static let configuration = CommandConfiguration(abstract: "Freeze a payment until a ruling. 提出争议。")
        @Argument(help: "A passage's code.") var passage: String
        @Option(help: "What is wrong; the other side reads it.") var why: String
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            console.answerMoney(
                try await door.open().post("/api/v1/passages/\(passage)/dispute", ["why": .string(why)]))
        }
    }

    struct Rule: Verb {
        static let configuration = CommandConfiguration(
            abstract: "Decide a dispute; final. 裁决。",
            discussion: "Example: hutong payment rule psg-7k3m9x2pqv0dc --to-sellers 0.20CNY --why 部分有效")
        @Argument(help: "A passage's code.") var passage: String
        @Option(help: "What the sellers get; the rest goes back.") var toSellers: String
        @Option(help: "The reason; both sides read it.") var why: String
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            console.answerMoney(
                try await door.open().post(
                    "/api/v1/passages/\(passage)/ruling",
                    ["toSellers": .string(toSellers), "why": .string(why)]))
        }
    }

    struct Refund: Verb {
        static let configuration = CommandConfiguration(abstract: "Give part of a payment back. 退款。")
        @Argument(help: "A passage's code.") var passage: String
        @Option(help: "Such as 0.20CNY.") var amount: String
        @Option(help: "The reason; both sides read it.") var why: String
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            console.answerMoney(
                try await door.open().post(
                    "/api/v1/passages/\(passage)/refund", ["amount": .string(amount), "why": .string(why)]))
        }
    }
}

/// `hutong bill close|show|credit AGREEMENT MONTH`: monthly statements.
struct BillVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bill", abstract: "Monthly statements and credit notes. 月度账单与红字。",
        discussion: """
            A statement closes its month: what is counted later stands in the next one, as a correction.
            Example: hutong bill close agr-7k3m9x2pqv0dc 2026-10
            """,
        subcommands: [Close.self, CloseMonth.self, Show.self, Credit.self])

    struct Close: Verb {
        static let configuration = CommandConfiguration(
            abstract: "Draw up and close a month that is over. 出账。")
        @Argument(help: "An agreement's code.") var agreement: String
        @Argument(help: "YYYY-MM.") var month: String
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            console.answerBill(
                try await door.open().post(
                    "/api/v1/agreements/\(agreement)/statements", ["month": .string(month)]))
        }
    }

    struct CloseMonth: Verb {
        static let configuration = CommandConfiguration(
            abstract: "Close a month for every agreement. 全部合约月结。",
            discussion: """
                Months that were left open before it are closed first. Again it changes nothing.
                Example: hutong bill close-month 2026-10
                """)
        @Argument(help: "YYYY-MM, a month that is over.") var month: String
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().post("/api/v1/statements", ["month": .string(month)])
            console.answer(
                answer, text: Columns.text(answer["statements"], ["statement", "agreement", "total"]))
        }
    }

    struct Show: Verb {
        static let configuration = CommandConfiguration(
            abstract: "A statement with the events, passages and leaves under it. 账单及其凭据。")
        @Argument(help: "An agreement's code.") var agreement: String
        @Argument(help: "YYYY-MM.") var month: String
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            console.answerBill(
                try await door.open().get("/api/v1/agreements/\(agreement)/statements/\(month)"))
        }
    }

    struct Credit: Verb {
        static let configuration = CommandConfiguration(abstract: "Give back part of a statement. 红字冲回。")
        @Argument(help: "An agreement's code.") var agreement: String
        @Argument(help: "YYYY-MM.") var month: String
        @Option(help: "Such as 0.20CNY; never more than is left of the statement.") var amount: String
        @Option(help: "The reason; it tells two notes of one amount apart.") var why: String
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            console.answerBill(
                try await door.open().post(
                    "/api/v1/agreements/\(agreement)/statements/\(month)/credits",
                    ["amount": .string(amount), "why": .string(why)]))
        }
    }
}

/// `hutong contract AGREEMENT`: the contract in words.
struct ContractVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "contract", abstract: "An agreement's contract, from its standard template. 标准合同文本。")
    @Argument(help: "An agreement's code.") var agreement: String
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let answer = try await door.open().get("/api/v1/agreements/\(agreement)/contract")
        console.answer(
            answer,
            text: console.say(LocalizedText(zh: answer["zh"]?.text ?? "", en: answer["en"]?.text ?? "")))
    }
}

/// `hutong figures`: asset value and trading capability.
struct FiguresVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "figures",
        abstract: "Asset value and trading capability, from the registry and the books. 数据资产价值量与交易能力。")
    @Option(help: "YYYY-MM; otherwise this month.") var month: String?
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let answer = try await door.open().get("/api/v1/figures" + (month.map { "?month=" + $0 } ?? ""))
        let lines = ["assetValue", "tradingCapability"].flatMap { dimension in
            (answer[dimension]?.object ?? [:]).sorted { $0.key < $1.key }.map { name, value in
                "\(dimension)  \(name)  \(value.text ?? value.canonicalText)"
            }
        }
        console.answer(answer, text: lines.joined(separator: "\n"))
    }
}

extension Console {
    fileprivate func answerMoney(_ answer: JSON) {
        answer.told(self, ["state", "held", "paid", "refunded", "disputeUntil", "ruledToSellers"])
    }

    fileprivate func answerBill(_ answer: JSON) {
        var text = Columns.text(answer["lines"], ["meter", "quantity", "amount", "events", "corrections"])
        if answer["facts"] != nil {
            text += "\n\n" + Columns.text(answer["facts"], ["at", "meter", "passage", "leaf", "digest"])
        }
        self.answer(answer, text: text + "\n\n= " + (answer["total"]?.text ?? ""))
    }
}

extension JSON {
    /// One line a member that is there.
    fileprivate func told(_ console: Console, _ names: [String]) {
        let lines = names.compactMap { name in self[name]?.text.map { "\(name)  \($0)" } }
        console.answer(self, text: lines.joined(separator: "\n"))
    }
}
