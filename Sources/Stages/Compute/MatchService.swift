// SPDX-License-Identifier: Apache-2.0

package import Identity
import Lane
import PSI
import Policy
package import Primitives
import PrivateSQL
import Register
import Store
import Trade
import Transparency
import Valve

/// The `match` door. Plan and flights go from the asker's node straight to the holder's, carried by whoever keeps its
/// mailbox; they tell the asker nothing. The answer then takes the way of every question: the keeper reserves, the
/// holder's valve decides and charges, and only that commit releases what the holder counted.
extension ComputeService {
    // MARK: The asker

    /// Matches as the party that owns this node and returns what the holder released. Silence of a node is tried
    /// again under the same passage: it is charged once.
    package func match(_ request: MatchRequest) async throws(Problem) -> JSON {
        if let known = try await stored(request.passage, .asker) {
            return try await inOwnTerms(kept(known), request)
        }
        if let other = request.items.firstRepeat {
            throw Problem(.invalid, "compute.match-key-twice", ["place": .integer(Int64(other))])
        }
        var attempt = 1
        while true {
            do throws(Problem) {
                return try await matchOnce(request)
            } catch {
                guard error.kind == .unavailable, attempt < Self.attemptsMax else { throw error }
                try? await Task.sleep(for: .milliseconds(200) * (1 << attempt))
                attempt += 1
            }
        }
    }

    private static var attemptsMax: Int { 6 }

    /// What would be signed and computed, without doing it: the plan, and seconds on this link.
    package func rehearseMatch(_ request: MatchRequest) async throws(Problem) -> JSON {
        let begun = context.clock.now()
        let agreed = try await agreedPlan(request)
        let plan = agreed.plan
        let trip = context.clock.now().duration(since: begun) / .seconds(1)
        // A trip a flight; a product of 3 µs or a bin's circuit an item; and the lane writes two digits a byte.
        let items = Double(plan.holderItems + plan.askerItems)
        let bytes = Double(plan.json["bytes"]?.integer ?? 0)
        let (flights, work) = request.want.word == "shares" ? (20.0, 4e-5) : (5, 8e-6)
        let seconds = flights * trip + items * work + bytes * 2e-8
        return [
            "plan": plan.json, "digest": .string(plan.digest.hex), "setsLeft": .integer(agreed.setsLeft),
            "seconds": .number((seconds * 1000).rounded() / 1000),
        ]
    }

    private func matchOnce(_ request: MatchRequest) async throws(Problem) -> JSON {
        let agreed = try await agreedPlan(request)
        let flown = try await fly(request, agreed)
        // From here on this node can read an answer of this run, whenever it comes.
        try await keep(flown, of: request, agreed.plan)
        let answer = try await ask(
            Question(
                passage: request.passage, agreementCode: request.agreementCode, door: .match,
                text: agreed.plan.text, purpose: request.purpose, asker: context.own))
        let transcript = answer["result"]?["transcript"]?.text
        guard answer["repeated"] == true || transcript == flown.transcript.hex else {
            throw Problem(.conflict, "compute.match-differs", ["agreement": .text(request.agreementCode)])
        }
        try await forgetOthers(transcript, of: request)
        var told = answer.object ?? [:]
        told["setsLeft"] = .integer(agreed.setsLeft)
        return try await inOwnTerms(.object(told), request)
    }

    /// A plan that the holder signed and this node has checked.
    private struct AgreedPlan {
        let plan: MatchPlan
        let holder: Party
        let recipe: KeyRecipe
        /// How many more different sets the holder will match: few means that probing is suspected.
        let setsLeft: Int64
        /// What a question over shares is about, as this node keeps it.
        let linked: LinkedRows?
    }

    /// The holder's plan, checked against the agreement this node signed.
    private func agreedPlan(_ request: MatchRequest) async throws(Problem) -> AgreedPlan {
        let agreement = try await agreement(request.agreementCode)
        guard let rules = try MatchRules(of: agreement.listing) else { throw .matchNotOffered(agreement) }
        let holder = try await context.party(agreement.provider)
        let linked = try await ownRows(for: request.want, under: agreement)
        let ask = MatchAsk(
            passage: request.passage, agreementCode: agreement.code.text, purpose: request.purpose,
            want: request.want, count: linked?.askerItems ?? request.items.count,
            set: matchDoor.commitment(request), shares: linked?.transcript)
        let reply = try await context.lane.call(holder, "match.plan", ask.json, deadline: .seconds(90))
        guard let plan = reply["plan"]?.text.flatMap(MatchPlan.init(text:)),
            let signature = reply["signature"]?.text.flatMap({ Base64.decode($0) }),
            PartySignature.isValid(signature, over: plan.json.canonicalBytes, by: holder.signingKey)
        else { throw .bodyMalformed("match.plan", "plan") }
        guard plan.set == ask.set, plan.want == ask.want, plan.askerItems == ask.count,
            plan.json["agreement"]?.text == agreement.code.text,
            plan.json["minimum"]?.integer == Int64(rules.minimum),
            plan.json["keys"]?.array?.compactMap(\.text) == rules.keys,
            plan.json["steps"]?.array?.compactMap(\.text) == rules.recipe.steps.map(\.rawValue),
            plan.json["recipe"]?.text == rules.recipe.digest.hex,
            plan.json["shares"]?.text == linked?.transcript.hex,
            linked == nil || plan.holderItems == linked?.holderItems
        else {
            throw Problem(.conflict, "compute.match-differs", ["agreement": .code(agreement.code)])
        }
        return AgreedPlan(
            plan: plan, holder: holder, recipe: rules.recipe, setsLeft: reply["setsLeft"]?.integer ?? 0,
            linked: linked)
    }

    /// Moves the flights of one run until both sides are done.
    private func fly(
        _ request: MatchRequest, _ agreed: AgreedPlan
    ) async throws(Problem) -> FlownMatch {
        let (plan, link) = (agreed.plan, FlightLink())
        let party = PSIParty(try plan.run(agreed.recipe), link)
        let side = try askerSide(request, plan, agreed.linked)
        let run = Task { () -> Result<FlownMatch, PSIFailure> in
            defer { link.finish() }
            do throws(PSIFailure) {
                return .success(try await side.play(party))
            } catch {
                return .failure(error)
            }
        }
        let signature = Base64.encode(try context.signer.signature(for: plan.json.canonicalBytes))
        var incoming: [[UInt8]] = []
        var number: Int64 = 0
        do throws(Problem) {
            while true {
                let flight = await link.turn(incoming)
                if flight.isOver, flight.frames.isEmpty { break }
                number += 1
                let body: JSON = [
                    "passage": .string(request.passage.uuid), "number": .integer(number),
                    "plan": .string(plan.digest.hex), "signature": .string(signature),
                    "frames": .array(flight.frames.map { .string(Hex.encode($0)) }),
                ]
                incoming = try Self.frames(of: try await deliver(body, to: agreed.holder))
                if flight.frames.isEmpty, incoming.isEmpty { break }
            }
        } catch {
            link.finish()
            throw error
        }
        link.finish()
        switch await run.value {
        case .success(let flown): return flown
        case .failure(let failure): throw .matchEnded(failure)
        }
    }

    /// One flight, sent again while the way is silent: the holder knows flights by their number.
    private func deliver(_ body: JSON, to holder: Party) async throws(Problem) -> JSON {
        var attempt = 1
        while true {
            do throws(Problem) {
                return try await context.lane.call(holder, "match.flight", body, deadline: .seconds(60))
            } catch {
                let mayPass = error.code == "lane.peer-unreachable" || error.code == "compute.match-busy"
                guard mayPass, attempt < 4 else { throw error }
                try? await Task.sleep(for: .milliseconds(100) * (1 << attempt))
                attempt += 1
            }
        }
    }

    private static func frames(of body: JSON) throws(Problem) -> [[UInt8]] {
        let frames = (body["frames"]?.array ?? []).map { $0.text.flatMap { Hex.decode($0) } }
        guard frames.allSatisfy({ $0 != nil && ($0?.count ?? 0) <= PSIChannel.frameBytesMax }) else {
            throw .bodyMalformed("match.flight", "frames")
        }
        return frames.compactMap { $0 }
    }

    /// What only this node can read of an answer: sums are opened, and places in the order that was sent, in the passage
    /// that was answered, become places in the request.
    private func inOwnTerms(_ answer: JSON, _ request: MatchRequest) async throws(Problem) -> JSON {
        guard var result = answer["result"]?.object else { return answer }
        if case .sum(let column) = request.want {
            result["sums"] = try await opened(result, column, request)
        } else if case .linked(_, isSummed: true) = request.want {
            result["sums"] = try await openedShares(result, answer, request)
        } else if let places = result["places"]?.array {
            result["places"] = nil
            result["items"] = try own(places, answer, request)
        }
        return .object((answer.object ?? [:]).merging(["result": .object(result)]) { $1 })
    }

    private func own(_ places: [JSON], _ answer: JSON, _ request: MatchRequest) throws(Problem) -> JSON {
        let answered = answer["passage"]?.text.flatMap { ID<Passage>(uuid: $0) } ?? request.passage
        let order = matchDoor.order(request, in: answered)
        let items = places.compactMap(\.integer).compactMap { place in
            order.indices.contains(Int(place)) ? order[Int(place)] : nil
        }
        guard items.count == places.count else { throw .sealBroken }
        return .array(items.sorted().map { .integer(Int64($0)) })
    }

    private func opened(
        _ result: [String: JSON], _ column: String, _ request: MatchRequest
    ) async throws(Problem) -> JSON {
        let rules = try MatchRules(of: try await agreement(request.agreementCode).listing)
        let share = matchDoor.share(matchDoor.commitment(request))
        var sums: [JSON] = []
        for (sealed, count) in zip(result["sums"]?.array ?? [], result["counts"]?.array ?? []) {
            guard let rules, let bytes = sealed.text.flatMap({ Hex.decode($0) }), let count = count.integer
            else {
                sums.append(.null)
                continue
            }
            guard let sum = share.open(bytes, most: rules.sumMost(column, count: count)) else {
                throw .sealBroken
            }
            sums.append(.integer(sum))
        }
        return .array(sums)
    }

    // MARK: The holder

    /// Decides whether a match may be prepared, signs its plan and begins its run. Nothing is charged and nothing told
    /// but the two sizes; a refusal is counted like any other.
    package func planMatch(_ body: JSON, from sender: Party) async throws(Problem) -> JSON {
        let ask = try MatchAsk(json: body)
        let agreement = try await agreement(ask.agreementCode)
        guard agreement.provider == context.own else { throw .receiptRefused(ask.agreementCode) }
        let (context, valve) = (context, valve)
        do throws(Problem) {
            guard let rules = try MatchRules(of: agreement.listing) else { throw .matchNotOffered(agreement) }
            let setsLeft = try await context.store.write { transaction throws(Problem) in
                try Self.decideMatch(ask, rules, agreement, sender, valve, in: transaction)
            }
            let version = try await version(of: agreement.listing)
            try rules.requireSummable(ask.want, keys: ask.count)
            let basis = try await basis(of: ask, rules, agreement, version)
            let plan = try MatchPlan(
                ask, agreement: agreement.code.text, rules: rules, version: version.digest, basis: basis)
            let run = MatchRun(
                ask.passage, plan, asker: sender.id, basis: basis, recipe: rules.recipe,
                at: context.clock.now())
            try matchDoor.begin(run, at: context.clock.now())
            let signature = try context.signer.signature(for: plan.json.canonicalBytes)
            return [
                "plan": .string(plan.text), "signature": .string(Base64.encode(signature)),
                "setsLeft": .integer(Int64(setsLeft)),
            ]
        } catch {
            try await context.store.write { transaction throws(Problem) in
                try valve.refuse(error, agreement: agreement, in: transaction)
            }
            throw error
        }
    }

    /// A match is for the agreement's own consumer: a set that somebody else brings is not what was agreed on.
    private static func decideMatch(
        _ ask: MatchAsk, _ rules: MatchRules, _ agreement: Agreement, _ asker: Party, _ valve: DataValve,
        in transaction: any SQLWriting
    ) throws(Problem) -> Int {
        guard asker.id == agreement.consumer else {
            throw Problem(
                .forbidden, "valve.party-not-entitled",
                ["party": .text(asker.name), "agreement": .code(agreement.code)])
        }
        guard rules.offers(ask.want) else {
            throw Problem(
                .forbidden, "compute.match-want-refused",
                ["want": .text(ask.want.text), "wants": .list(rules.wants.sorted())])
        }
        guard ask.count <= rules.itemsMax else {
            throw Problem(
                .limited, "compute.match-too-large",
                ["count": .integer(Int64(ask.count)), "most": .integer(Int64(rules.itemsMax))])
        }
        let current = try AgreementBook.agreement(agreement.code.text, in: transaction)
        try valve.decide(
            Use(agreement: current, door: .match, asker: asker, purpose: ask.purpose), in: transaction)
        if ask.want == .rows {
            try requireRowsBasis(rules, agreement, asker, ask.purpose, in: transaction)
        }
        return try MatchBook.requireRoom(ask.set, agreement.id, rules, in: transaction)
    }

    /// Membership needs more than a price: the ground the listing names, or a mandate from the holder, which the commit
    /// that releases the rows uses once.
    private static func requireRowsBasis(
        _ rules: MatchRules, _ agreement: Agreement, _ asker: Party, _ purpose: String,
        in transaction: any SQLWriting
    ) throws(Problem) {
        guard let basis = rules.rowsBasis, basis.ground == "mandate" else { return }
        let mandates = try MandateBook.standing(
            verb: rowsVerb, subject: agreement.listing.code.text, purpose: purpose, by: asker.id,
            for: agreement.provider, at: transaction.now, in: transaction)
        if mandates.isEmpty { throw .matchBasisMissing(asker, basis) }
    }

    private static func useRowsBasis(
        _ rules: MatchRules, _ agreement: Agreement, _ question: Question, in transaction: any SQLWriting
    ) throws(Problem) {
        guard let basis = rules.rowsBasis, basis.ground == "mandate" else { return }
        let mandate = try MandateBook.use(
            verb: rowsVerb, subject: agreement.listing.code.text, purpose: question.purpose,
            by: question.asker, for: agreement.provider, in: transaction)
        if mandate == nil {
            throw .matchBasisMissing(try PartyRegister.party(question.asker, in: transaction), basis)
        }
    }

    /// What a mandate must permit before rows are told on its ground.
    private static var rowsVerb: String { "match-rows" }

    /// One flight of a run. The first must bear the asker's signature under the plan we signed.
    package func takeFlight(_ body: JSON, from sender: Party) async throws(Problem) -> JSON {
        guard let passage = body["passage"]?.text.flatMap({ ID<Passage>(uuid: $0) }),
            let number = body["number"]?.integer
        else { throw .bodyMalformed("match.flight", "passage") }
        guard let run = matchDoor.run(passage), run.asker == sender.id else { throw .matchLost }
        guard body["plan"]?.text == run.plan.digest.hex,
            let signature = body["signature"]?.text.flatMap({ Base64.decode($0) }),
            PartySignature.isValid(signature, over: run.plan.json.canonicalBytes, by: sender.signingKey)
        else { throw .matchEnded(.differentPlans) }
        if number == 1 { try run.start() }
        return try await run.take(number, try Self.frames(of: body), at: context.clock.now())
    }

    // MARK: The passage

    /// What a question costs the budget, whichever door it came to; refuses one that may not be answered.
    func cost(of question: Question, _ agreement: Agreement) async throws(Problem) -> QuestionCost {
        question.door == .match
            ? try matchCost(question, agreement)
            : try await engine.check(question.text, on: agreement.listing, for: agreement.consumer)
    }

    /// What a question is told, whichever door it came to.
    func release(
        _ question: Question, _ agreement: Agreement, _ version: AssetVersion, seed: Redacted<[UInt8]>,
        after history: [AskedQuestion]
    ) async throws(Problem) -> Release {
        question.door == .match
            ? try matchRelease(question, agreement)
            : try await engine.answer(
                AskedQuestion(question.text, for: agreement.consumer), on: agreement.listing,
                version: version,
                seed: seed, after: history)
    }

    /// The seed as the holder keeps it for a replay; nothing for an answer that was drawn from none.
    func keptSeed(
        _ seed: Redacted<[UInt8]>, of release: Release, for passage: ID<Passage>
    ) throws(Problem) -> JSON {
        guard release.seedCommitment != nil else { return .null }
        return .string(Base64.encode(try KeptSeed(seed, to: sealingKey, for: passage).sealed))
    }

    /// What a finished run costs the budget; `compute.match-lost` without one. Shares tell nothing: they cost nothing.
    func matchCost(_ question: Question, _ agreement: Agreement) throws(Problem) -> QuestionCost {
        guard let rules = try MatchRules(of: agreement.listing) else { throw .matchNotOffered(agreement) }
        guard let run = matchDoor.run(question.passage), let outcome = run.outcome,
            run.plan.text == question.text, run.asker == question.asker
        else { throw .matchLost }
        var cost = PrivacyCost.none
        if case .noise(let epsilon) = rules.protection, !outcome.isSilent {
            cost = PrivacyCost(epsilonMicros: epsilon)
        }
        return QuestionCost(
            privacy: cost, isCompared: false, planDigest: run.plan.digest, json: ["verdict": "allowed"])
    }

    /// What the holder tells of what it counted: nothing below the minimum.
    func matchRelease(_ question: Question, _ agreement: Agreement) throws(Problem) -> Release {
        guard let rules = try MatchRules(of: agreement.listing) else { throw .matchNotOffered(agreement) }
        guard let run = matchDoor.run(question.passage), let outcome = run.outcome, let want = run.plan.want,
            let version = run.plan.json["version"]?.text.flatMap({ Digest(hex: $0) })
        else { throw .matchLost }
        var random = SystemRandomNumberGenerator()
        var answer: [String: JSON] = [
            "want": .string(want.text), "minimum": .integer(Int64(rules.minimum)),
            "transcript": .string(Hex.encode(outcome.transcript)),
        ]
        switch outcome {
        case .shared: break
        case .counted(let held) where want == .rows:
            let isTold = held.counts.reduce(0, +) >= rules.minimum
            let places = held.places.joined().map { JSON.integer(Int64($0)) }
            answer["places"] = isTold ? .array(places) : .null
        case .counted(let held):
            _ = rules.tell(held.counts, for: want, in: &answer, using: &random)
        case .summed(let sums):
            let told = rules.tell(sums.match.counts, for: want, in: &answer, using: &random)
            let noise = rules.noise(told.count, want.column, want, using: &random)
            let hidden = sums.released(noise: noise, isTold: told, using: &random)
            rules.tellSums(hidden, of: want.column, in: &answer)
        case .selected(let selection):
            let column = run.basis.shares?.column
            let told = rules.tell(selection.counts, for: want, in: &answer, using: &random)
            guard want.isSummed else { break }
            let noise = rules.noise(told.count, column, want, using: &random)
            let parts = selection.released(noise: noise, isTold: told)
            rules.tellSums(parts.map { $0.map(ShareText.bytes) }, of: column, in: &answer)
        }
        var epsilon = "0"
        if case .noise(let micros) = rules.protection, !outcome.isSilent {
            epsilon = PrivacyCost(epsilonMicros: micros).epsilonText
            answer["epsilon"] = .string(epsilon)
        }
        return Release(
            answer: .object(answer), planDigest: run.plan.digest, versionDigests: [version],
            seedCommitment: nil, epsilon: epsilon)
    }

    /// What a match adds to the commit that releases its answer: the set is counted, too many different ones stop it;
    /// shares are kept; the transcript has its leaf.
    func recordMatch(
        _ question: Question, _ agreement: Agreement, _ answer: JSON, in transaction: any SQLWriting
    ) throws(Problem) {
        guard question.door == .match, let rules = try MatchRules(of: agreement.listing),
            let plan = MatchPlan(text: question.text), let set = plan.set
        else { return }
        try MatchBook.requireRoom(set, agreement.id, rules, in: transaction)
        if plan.want == .rows { try Self.useRowsBasis(rules, agreement, question, in: transaction) }
        try MatchBook.record(
            question.passage, agreement.id, set, items: plan.askerItems, wants: plan.want?.text ?? "",
            in: transaction)
        if case .shares = plan.want { try keepHeld(question, answer, in: transaction) }
        try recordTranscript(of: question, answer, in: transaction)
    }

    /// The leaf by which each side's log names the run: the same transcript in both.
    func recordTranscript(
        of question: Question, _ answer: JSON, in transaction: any SQLWriting
    ) throws(Problem) {
        guard question.door == .match, let plan = MatchPlan(text: question.text) else { return }
        try context.record(
            .matchTranscript, Code(.passage, question.passage),
            [
                "plan": .string(plan.digest.hex), "protocol": plan.json["run"]?["protocol"] ?? .null,
                "askerItems": .integer(Int64(plan.askerItems)),
                "holderItems": .integer(Int64(plan.holderItems)),
                "transcript": answer["transcript"] ?? .null,
            ], in: transaction)
    }
}

extension [MatchRequest.Item] {
    /// The first place whose item stood before: a key sent twice would count twice.
    fileprivate var firstRepeat: Int? {
        var known: Set<MatchRequest.Item> = []
        return firstIndex { !known.insert($0).inserted }
    }
}

extension Problem {
    fileprivate static func matchNotOffered(_ agreement: Agreement) -> Problem {
        Problem(.forbidden, "compute.match-not-offered", ["listing": .code(agreement.listing.code)])
    }

    fileprivate static func matchBasisMissing(_ asker: Party, _ basis: MatchRules.RowsBasis) -> Problem {
        Problem(
            .forbidden, "compute.match-basis-missing",
            ["party": .text(asker.name), "document": .text(basis.document)])
    }
}
