// SPDX-License-Identifier: Apache-2.0

private import Identity
import Primitives
private import Merkle
private import Store
private import Transparency
import WebUI

/// Pages of the evidence: the log, its proofs, codes and certificates.
extension Courtyard {
    /// So many entries a page.
    private static let entriesAPage = 50

    func logPage(_ request: APIRequest) async throws(Problem) -> any Page {
        let signed = try await publisher.checkpoint()
        let size = Int(signed.checkpoint.size)
        let witnessing = await publisher.witnessing(of: LeafIndex(max(0, size - 1)))
        let end = min(size, request.query["before"].flatMap { Int($0) } ?? size)
        let first = max(0, end - Self.entriesAPage)
        let leaves = try await store.read { transaction throws(Problem) in
            try TransparencyLog.leaves(from: LeafIndex(first), limit: end - first, in: transaction)
        }
        return LogPage(
            origin: signed.checkpoint.origin, size: size, root: Digest(signed.checkpoint.root),
            checkpoint: String(decoding: signed.note.bytes, as: UTF8.self),
            witnesses: witnessing.isWitnessed ? [Standing(witnessing.text, .verified)] : [],
            entries: leaves.reversed().map {
                LogPage.Entry(
                    index: Int($0.index), at: $0.leaf.time, kind: PageWords.entry($0.leaf.kind.rawValue),
                    leaf: Digest($0.hash))
            },
            olderPath: first > 0 ? "/log?before=\(first)" : nil,
            sameThing: SameThing(http: "curl $HUTONG_URL/checkpoint", cli: "hutong verify hutong-data"))
    }

    func isWitnessed(size: Int) async throws(Problem) -> Bool {
        guard size > 0 else { return false }
        return try await publisher.witnessedCheckpoint(covering: LeafIndex(size - 1)) != nil
    }

    func proofPage(_ request: APIRequest) async throws(Problem) -> any Page {
        let signed = try await publisher.checkpoint()
        guard let index = UInt64(request.parameter("index")), index < signed.checkpoint.size else {
            throw Problem(.missing, "app.route-unknown", ["path": .text(request.path)])
        }
        let receipt = try await publisher.receipt(for: index)
        let leaves = try await store.read { transaction throws(Problem) in
            try TransparencyLog.leaves(from: index, limit: 1, in: transaction)
        }
        guard let leaf = leaves.first else {
            throw Problem(.missing, "app.route-unknown", ["path": .text(request.path)])
        }
        return ProofPage(
            index: Int(index), size: Int(receipt.checkpoint.checkpoint.size), at: leaf.leaf.time,
            kind: PageWords.entry(leaf.leaf.kind.rawValue), subject: leaf.leaf.subject,
            leaf: Digest(leaf.hash),
            path: receipt.path.map { Digest($0) }, root: Digest(receipt.checkpoint.checkpoint.root),
            record: String(decoding: leaf.leaf.bytes, as: UTF8.self),
            checkpoint: String(decoding: receipt.checkpoint.note.bytes, as: UTF8.self),
            sameThing: SameThing(http: "curl $HUTONG_URL/checkpoint", cli: "hutong verify FILE.tlog-proof"))
    }

    func codePage(_ request: APIRequest) async throws(Problem) -> any Page {
        let typed = request.parameter("code")
        let resolved = try await api("GET", "/api/v1/codes/" + typed, as: request)
        let code = try resolved.needed("code") { Code($0) }
        let names = try await partyNames()
        let listings = (resolved["listings"]?.array ?? []).compactMap { Code($0["listing"]?.text ?? "") }
        let registration = Code(resolved["registration"]?.text ?? "")
        var related = listings.map {
            (role: LocalizedText(zh: "挂牌", en: "Listing"), thing: Named($0.text, $0))
        }
        if let asset = Code(resolved["asset"]?.text ?? ""), asset != code {
            related.append((LocalizedText(zh: "资产", en: "Asset"), Named(asset.text, asset)))
        }
        let entity = resolved["entity"]?.present
        // Where it is now; where it was, the API tells with its times.
        let stay = entity?["places"]?.array?.first { $0["until"]?.isNull == true }
        if let place = Code(stay?["place"]?.text ?? "") {
            related.append((LocalizedText(zh: "位置", en: "Place"), Named(place.text, place)))
        }
        let events = (resolved["history"]?.array ?? []).map { CodeEvent($0) }
        let called = entity?["name"]?.text.map { LocalizedText($0) }
        let name = try await title(of: listings, request) ?? names.byCode[code.text].map { LocalizedText($0) }
        return CodePage(
            code: code, kind: PageWords.kind(code.kind), name: called ?? name ?? LocalizedText(code.text),
            holder: resolved["holder"]?.present.map { names.party($0.text) },
            standing: entity?["state"] == "ended"
                ? Standing(LocalizedText(zh: "已注销", en: "ended"), .stopped)
                : registration != nil
                    ? Standing(LocalizedText(zh: "已登记", en: "registered"), .verified)
                    : Standing(LocalizedText(zh: "已发码", en: "issued")),
            logIndex: events.first?.leaf, related: related,
            steps: [.asset, .listing, .registration, .agreement].contains(code.kind)
                ? CodeEvent.steps(events) : [],
            papers: registration.map {
                [(LocalizedText(zh: "登记凭证", en: "certificate"), "/certificates/" + $0.text)]
            } ?? [],
            sameThing: SameThing(
                http: "curl $HUTONG_URL/api/v1/codes/" + code.text, cli: "hutong code resolve " + code.text))
    }

    private func title(of listings: [Code], _ request: APIRequest) async throws(Problem) -> LocalizedText? {
        guard let first = listings.first else { return nil }
        return try await api("GET", "/api/v1/listings/" + first.text, as: request)["title"].localized
    }

    func certificatePage(_ request: APIRequest) async throws(Problem) -> any Page {
        let code = request.parameter("code")
        let registration = try await api("GET", "/api/v1/registrations/" + code, as: request)
        let names = try await partyNames()
        let claim = registration["claim"] ?? .null
        let leaf = registration["leaf"]?.integer.map { Int($0) }
        let witnessing = await publisher.witnessing(of: LeafIndex(max(0, leaf ?? 0)))
        let registeredAt =
            registration["registeredAt"]?.text.flatMap { Instant(rfc3339: $0) } ?? Instant(seconds: 0)
        return PaperPage(
            kind: .certificate, code: try registration.needed("registration") { Code($0) },
            subject: claim["title"].localized,
            facts: [
                (
                    LocalizedText(zh: "登记主体", en: "Registered for"),
                    names.party(registration["holder"]?.text).name
                ),
                (
                    LocalizedText(zh: "数据资产编码", en: "Asset code"),
                    LocalizedText(registration["asset"]?.text ?? "–")
                ),
                (
                    LocalizedText(zh: "版本摘要", en: "Version"),
                    LocalizedText(claim["digest"]?.text ?? claim["version"]?.text ?? "–")
                ),
                (
                    LocalizedText(zh: "登记时间", en: "Registered"),
                    LocalizedText(registeredAt.dateAndTime(in: .shanghai) + " (UTC+8)")
                ),
                (LocalizedText(zh: "见证", en: "Witnesses"), witnessing.text),
            ],
            signatures: [
                PaperPage.Signature(
                    role: LocalizedText(zh: "登记机构", en: "registrar"), party: Named(name), at: registeredAt,
                    keyFingerprint: publisher.origin)
            ],
            digest: Digest(of: claim.canonicalBytes), logIndex: leaf,
            isWitnessed: leaf != nil && witnessing.isWitnessed,
            sameThing: SameThing(
                http: "curl $HUTONG_URL/api/v1/registrations/" + code, cli: "hutong verify \(code).tlog-proof"
            ))
    }
}

extension Digest {
    fileprivate init(_ hash: NodeHash) {
        self = Digest(bytes: hash.bytes) ?? Digest(of: [])
    }
}

/// One entry of a code's history, and the step of circulation it belongs to.
struct CodeEvent {
    let leaf: Int
    let kind: String
    let at: Instant?

    init(_ json: JSON) {
        leaf = Int(json["leaf"]?.integer ?? 0)
        kind = json["kind"]?.text ?? ""
        at = json["at"]?.text.flatMap { Instant(rfc3339: $0) }
    }

    private var stage: CodePage.Stage {
        switch kind.prefix(while: { $0 != "-" }) {
        case "attestation", "valuation": .evaluation
        case "listing", "product", "space": .sharing
        case "demand", "offer", "agreement", "contract", "auction", "bid": .trade
        case "passage", "valve", "match", "training", "workspace": .use
        case "settlement", "statement", "refund", "indicator": .service
        default: .registration
        }
    }

    /// The six steps with what happened in each. A step without an event that follows one is open; what comes before
    /// registration waits for it.
    static func steps(_ events: [CodeEvent]) -> [CodePage.Step] {
        let isRegistered = events.contains {
            $0.kind == "certificate-issued" || $0.kind == "asset-registered"
        }
        return CodePage.Stage.allCases.map { stage in
            // A settled passage is a use, and with its receipt a service rendered.
            let own = events.filter {
                $0.stage == stage || (stage == .service && $0.kind == "passage-settled")
            }
            let isWaiting = own.isEmpty && !isRegistered && stage != .registration
            return CodePage.Step(
                stage,
                standing: own.isEmpty
                    ? Standing(LocalizedText(zh: "未开始", en: "not begun"), isWaiting ? .waits : .plain)
                    : Standing(LocalizedText(zh: "已进行", en: "done")),
                events: own.map {
                    HistoryStep(
                        at: $0.at, standing: Standing(LocalizedText(zh: "已存证", en: "logged")),
                        what: PageWords.entry($0.kind), logIndex: $0.leaf)
                },
                waitsFor: isWaiting ? LocalizedText(zh: "登记", en: "registration") : nil)
        }
    }
}
