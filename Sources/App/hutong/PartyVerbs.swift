// SPDX-License-Identifier: Apache-2.0

import APIClient
import ArgumentParser
import Assembly
import Compute
import Foundation
import Identity
import Primitives
import Register
import Valve

/// `hutong party invite|join|token|revoke|list`.
struct PartyVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "party", abstract: "Invite, join, token, revoke. 主体的邀请、加入与令牌。",
        subcommands: [Invite.self, Join.self, TokenFor.self, Revoke.self, List.self, TopUp.self])

    struct Invite: Verb {
        static let configuration = CommandConfiguration(
            abstract: "Invite a party once; the line is valid for seven days.",
            discussion: "Example: hutong party invite 市环境中心 --roles holder --uscc 12110000400000000X")
        @Argument var name: String
        @Option(help: "holder, buyer, assessor, auditor: several with commas.") var roles = "holder"
        @Option(name: .customLong("uscc"), help: "Unified social credit code.") var creditCode: String?
        @Option(help: "ISO 3166-1 code.") var jurisdiction = "CN"
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().post(
                "/api/v1/parties/invitations",
                [
                    "name": .string(name), "roles": .string(roles), "jurisdiction": .string(jurisdiction),
                    "creditCode": creditCode.map(JSON.string) ?? .null,
                ])
            console.answer(answer, text: answer["invitation"]?.text ?? "")
        }
    }

    struct Join: Verb {
        static let configuration = CommandConfiguration(
            abstract: "Join an exchange: this node, or with --account a party without one.",
            discussion:
                "An account's keys are made here, in HUTONG_HOME (default ~/.config/hutong), and never leave."
        )
        @Argument var invitation: String
        @Flag(help: "Open an account at the exchange instead of joining this node.") var account = false
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            guard account else {
                let answer = try await door.open().post(
                    "/api/v1/exchange", ["invitation": .string(invitation)])
                return console.answer(
                    answer, text: Columns.text([answer["exchange"] ?? .null], ["code", "name", "address"]))
            }
            guard let invitation = Invitation(text: invitation) else { throw Problem.invitationRefused }
            let keys = try AccountKeys()
            let reply = try await NodeClient(url: invitation.url, token: nil).post(
                "/api/v1/parties/join",
                [
                    "secret": .string(invitation.secret.disclosed),
                    "id": .string(ID<Party>(at: WallClock.system.now()).uuid),
                    "signingKey": .string(Base64.encode(keys.signer.publicKey.bytes)),
                    "sealingKey": .string(Base64.encode(keys.sealing.publicKey)), "address": "account",
                ])
            guard let exchange = reply["exchange"].flatMap(Party.init(json:)),
                Digest(of: exchange.signingKey) == invitation.fingerprint
            else { throw Problem.invitationRefused }
            let token = reply["token"]?.text ?? ""
            console.answer(reply, text: "HUTONG_URL=\(invitation.url)\nHUTONG_TOKEN=\(token)")
        }
    }

    struct TokenFor: Verb {
        static let configuration = CommandConfiguration(
            commandName: "token", abstract: "Issue a token; it is shown once.")
        @Argument(help: "A party's code or name.") var name: String
        @Option(parsing: .upToNextOption, help: "Scopes; all of its roles' without this.") var scope:
            [String] = []
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let body: JSON = scope.isEmpty ? [:] : ["scopes": .array(scope.map(JSON.string))]
            let answer = try await door.open().post("/api/v1/parties/\(name.escaped)/tokens", body)
            console.answer(answer, text: answer["token"]?.text ?? "")
        }
    }

    struct Revoke: Verb {
        static let configuration = CommandConfiguration(abstract: "End a party's part here, with its tokens.")
        @Argument(help: "A party's code or name.") var name: String
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().post("/api/v1/parties/\(name.escaped)/revoke")
            console.answer(answer, text: Columns.text([answer], ["party", "state"]))
        }
    }

    struct List: Verb {
        static let configuration = CommandConfiguration(abstract: "The parties this node knows.")
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().get("/api/v1/parties")
            console.answer(
                answer,
                text: Columns.text(answer["parties"], ["code", "name", "jurisdiction", "roles", "address"]))
        }
    }

    struct TopUp: Verb {
        static let configuration = CommandConfiguration(
            commandName: "top-up", abstract: "Book what the custodian bank confirmed to have received.")
        @Argument(help: "A party's code or name.") var name: String
        @Argument(help: "Such as 1000CNY.") var amount: String
        @Option(help: "The bank's reference: booked once.") var bankReference: String
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().post(
                "/api/v1/parties/\(name.escaped)/top-ups",
                ["amount": .string(amount), "bankReference": .string(bankReference)])
            console.answer(answer, text: Columns.text([answer], ["party", "amount"]))
        }
    }
}

/// The keys of an account, on its own side.
struct AccountKeys {
    let signer: Ed25519Signer
    let sealing: SealingKey

    init() throws(Problem) {
        let environment = ProcessInfo.processInfo.environment
        let home = environment["HUTONG_HOME"] ?? (environment["HOME"] ?? ".") + "/.config/hutong"
        signer = try KeyFolder(home, passphrase: try Environment.passphrase()).ed25519("account")
        guard let key = SealingKey(stored: signer.derivedSecret(for: "hutong/sealing/v1").disclosed) else {
            throw Problem.sealBroken
        }
        sealing = key
    }
}

/// `hutong open FILE`: an answer sealed to this account's key.
struct OpenVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "open", abstract: "Open a sealed answer with this account's key. 打开密封的答案。",
        discussion: "FILE is what POST /api/v1/questions answered an account.")
    @Argument var file: String
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let reply = try GivenFile.json(file)
        guard let id = reply["passage"]?.text.flatMap({ ID<Passage>(uuid: $0) }),
            let sealed = reply["answer"]?.text.flatMap({ Base64.decode($0) }).flatMap({
                SealedBytes(bytes: $0)
            })
        else { throw Problem.sealBroken }
        let bytes = try AccountKeys().sealing.open(sealed, context: ComputeService.sealContext(id))
        guard let answer = try? JSON(parsing: bytes) else { throw Problem.sealBroken }
        console.answer(answer, text: answer.prettyText)
    }
}

/// `hutong attest CODE --kind K F.json`: signed with this account's key.
struct AttestVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "attest", abstract: "Sign a statement about a code. 出具证明。",
        discussion: "Example: hutong attest ast-… --kind quality report.json")
    @Argument var code: String
    @Argument(help: "Method and result, as JSON.") var file: String
    @Option(help: "quality, value, compliance, ethics, certification, accreditation, export-route.") var kind:
        String
    @Option(help: "Days it is valid.") var days = 365
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        guard let kindValue = Attestation.Kind(rawValue: kind) else {
            throw ValidationError("--kind is one of those listed in help")
        }
        let now = WallClock.system.now()
        let (id, until) = (ID<Attestation>(at: now), now.advanced(by: .seconds(Int64(days) * 86_400)))
        let document = try GivenFile.json(file)
        let bytes = Attestation.signedBytes(
            id: id, subjectCode: code, kind: kindValue, document: document, validUntil: until)
        let signature = try AccountKeys().signer.signature(for: bytes)
        let answer = try await door.open().post(
            "/api/v1/attestations",
            [
                "id": .string(id.uuid), "subject": .string(code), "kind": .string(kind), "document": document,
                "validUntil": .integer(until.microseconds), "signature": .string(Base64.encode(signature)),
            ])
        console.answer(answer, text: answer["attestation"]?.text ?? "")
    }
}

/// `hutong mandate grant|list|revoke`.
struct MandateVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mandate", abstract: "Let another act for you, narrowly. 授权与委托。",
        subcommands: [Grant.self, List.self, Revoke.self])

    struct Grant: Verb {
        static let configuration = CommandConfiguration(
            abstract: "Grant a mandate.",
            discussion: "Example: hutong mandate grant pty-… --verbs query --uses 10 --purpose research")
        @Argument(help: "The agent's code or name.") var agent: String
        @Option(help: "Doors or verbs, with commas.") var verbs: String
        @Option(help: "Codes it is about, with commas; * is everything of yours.") var subjects = "*"
        @Option var purpose: String?
        @Option(help: "RFC 3339; a year from now, unless said otherwise.") var until: String?
        @Option(help: "How often at most.") var uses: Int?
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().post(
                "/api/v1/mandates",
                [
                    "agent": .string(agent), "verbs": .string(verbs), "subjects": .string(subjects),
                    "purpose": purpose.map(JSON.string) ?? .null, "until": until.map(JSON.string) ?? .null,
                    "uses": uses.map { .integer(Int64($0)) } ?? .null,
                ])
            console.answer(answer, text: answer["mandate"]?.text ?? "")
        }
    }

    struct List: Verb {
        static let configuration = CommandConfiguration(abstract: "Mandates given and held.")
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().get("/api/v1/mandates")
            console.answer(answer, text: Columns.text(answer["mandates"], ["code", "mandate"]))
        }
    }

    struct Revoke: Verb {
        static let configuration = CommandConfiguration(
            abstract: "Revoke a mandate and all passed on under it.")
        @Argument var code: String
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().post("/api/v1/mandates/\(code)/revoke")
            console.answer(answer, text: Columns.text([answer], ["mandate", "state"]))
        }
    }
}

extension String {
    /// As one part of a path.
    var escaped: String { addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? self }
}
