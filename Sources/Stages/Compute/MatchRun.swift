// SPDX-License-Identifier: Apache-2.0

import Identity
import PSI
import Primitives
import Synchronization
import Valve

/// What a holder's side of a run works on.
enum MatchBasis: Sendable {
    /// Its table's keys, with an amount each where one is wanted.
    case keys(HeldKeys)
    /// What an earlier passage left here.
    case shares(LinkedRows)

    /// How many of the holder's keys take part.
    var itemCount: Int {
        switch self {
        case .keys(let keys): keys.items.items.count
        case .shares(let linked): linked.holderItems
        }
    }

    var rejectedCount: Int {
        guard case .keys(let keys) = self else { return 0 }
        return keys.items.rejectedCount
    }

    var shares: LinkedRows? {
        guard case .shares(let linked) = self else { return nil }
        return linked
    }
}

/// What a holder knows after a run, and has not released.
enum MatchOutcome: Sendable {
    case counted(HeldMatch)
    case summed(HeldSums)
    case shared(SharedRows)
    case selected(HeldSelection)

    /// Whether it tells nobody anything.
    var isSilent: Bool {
        if case .shared = self { return true }
        return false
    }

    var transcript: [UInt8] {
        switch self {
        case .counted(let held): held.transcript
        case .summed(let sums): sums.match.transcript
        case .shared(let rows): rows.transcript
        case .selected(let selection): selection.transcript
        }
    }
}

/// One run at the holder: from the plan it signed to what it may release.
final class MatchRun: Sendable {
    let passage: ID<Passage>
    let plan: MatchPlan
    let asker: ID<Party>
    let link = FlightLink()
    let basis: MatchBasis
    let recipe: KeyRecipe

    private struct Progress {
        var number: Int64 = 0
        var reply: JSON = .null
        var lastHeard: Instant
        var isTaken = false
        var outcome: MatchOutcome?
    }
    private let progress: Mutex<Progress>

    init(
        _ passage: ID<Passage>, _ plan: MatchPlan, asker: ID<Party>, basis: MatchBasis, recipe: KeyRecipe,
        at now: Instant
    ) {
        self.passage = passage
        self.plan = plan
        self.asker = asker
        self.basis = basis
        self.recipe = recipe
        progress = Mutex(Progress(lastHeard: now))
    }

    var lastHeard: Instant { progress.withLock { $0.lastHeard } }
    var outcome: MatchOutcome? { progress.withLock { $0.outcome } }

    /// Runs the holder's side until it is over; what it learned is kept here.
    func start() throws(Problem) {
        let party = PSIParty(try plan.run(recipe), link)
        Task {
            defer { link.finish() }
            let outcome = try? await play(party)
            progress.withLock { $0.outcome = outcome }
        }
    }

    private func play(_ party: PSIParty) async throws(PSIFailure) -> MatchOutcome {
        var random = SystemRandomNumberGenerator()
        switch (plan.want, basis) {
        case (.shares, .keys(let keys)):
            let values = keys.amounts ?? keys.items.items.map { _ in 0 }
            return .shared(try await party.shareRows(keys.items.items, values: values, using: &random))
        case (.linked, .shares(let linked)):
            return .selected(try await party.holdSelection(of: linked.shares, using: &random))
        case (_, .keys(let keys)):
            guard let amounts = keys.amounts else {
                return .counted(try await party.hold(keys.items.items, using: &random))
            }
            return .summed(try await party.holdSums(keys.items.items, amounts: amounts, using: &random))
        case (_, .shares): throw .notOffered
        }
    }

    /// Takes flight `number`: the next one is worked on, the last one again gets the same reply.
    func take(_ number: Int64, _ frames: [[UInt8]], at now: Instant) async throws(Problem) -> JSON {
        let known = try progress.withLock { progress throws(Problem) -> JSON? in
            progress.lastHeard = now
            // The reply to the flight before was lost on its way, or this one is still being worked on.
            if number == progress.number { return progress.reply }
            guard !progress.isTaken else { throw Problem(.limited, "compute.match-busy") }
            guard number == progress.number + 1 else { throw .matchEnded(.unexpectedMessage) }
            progress.isTaken = true
            return nil
        }
        if let known { return known }
        let flight = await link.turn(frames)
        let answer: JSON = ["frames": .array(flight.frames.map { .string(Hex.encode($0)) })]
        progress.withLock { ($0.number, $0.reply, $0.isTaken) = (number, answer, false) }
        return answer
    }
}
