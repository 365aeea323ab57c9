// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Primitives
package import PrivateSQL
import Register
import Store
import Tables
package import Trade
import Transparency

/// A template as somebody hands it in.
package struct TemplateDraft: Sendable {
    package let name: String
    package let title: LocalizedText
    package let text: String
    package let parameters: [QuestionParameter]

    package init(name: String, title: LocalizedText, text: String, parameters: [QuestionParameter]) {
        self.name = name
        self.title = title
        self.text = text
        self.parameters = parameters
    }

    /// A name is part of addresses and of log entries.
    var isNamed: Bool {
        (1...40).contains(name.utf8.count)
            && name.utf8.allSatisfy {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "-")
            }
    }
}

/// What a holder says of a template.
package enum TemplateDecision: String, Sendable, CaseIterable {
    case approve, refuse, withdraw
}

extension ComputeService {
    /// Templates on one listing that nobody looked at yet; more wait for a decision first.
    private static let proposedMax = 100

    /// Hands in a template for a listing of ours: a party asks for it, or the holder offers it, which approves it at
    /// once. A form that the release rules refuse is refused here, with the rules' reason.
    package func propose(
        _ draft: TemplateDraft, for listing: Listing, by party: ID<Party>
    ) async throws(Problem) -> QuestionTemplate {
        guard draft.isNamed else {
            throw Problem(.invalid, "compute.template-name", ["name": .text(draft.name)])
        }
        let tree = try await engine.tree(of: draft.text)
        guard let form = QuestionForm(tree, parameters: draft.parameters) else {
            throw Problem(.invalid, "compute.template-parameters", ["template": .text(draft.name)])
        }
        let sample = try form.sample()
        _ = try await engine.check(sample, on: listing, for: nil)
        let (context, isHolders) = (context, party == listing.holder)
        return try await context.store.write { transaction throws(Problem) in
            let waiting = try TemplateBook.all(on: listing.code.text, being: [.proposed], in: transaction)
                .count
            guard isHolders || waiting < Self.proposedMax else {
                throw Problem(
                    .limited, "compute.templates-waiting", ["limit": .integer(Int64(Self.proposedMax))])
            }
            let version = try TemplateBook.nextVersion(of: draft.name, on: listing.code.text, in: transaction)
            let template = QuestionTemplate(
                listingCode: listing.code.text, name: draft.name, version: version, state: .proposed,
                title: draft.title, text: draft.text, parameters: draft.parameters, proposedBy: party,
                proposedAt: transaction.now, why: "", decidedAt: nil)
            try TemplateBook.propose(template, in: transaction)
            try context.record(.questionProposed, listing.code, template.document, in: transaction)
            guard isHolders else { return template }
            return try Self.decide(.approve, template, why: "", context, in: transaction)
        }
    }

    /// The holder approves, refuses or withdraws a version.
    package func decide(
        _ decision: TemplateDecision, _ name: String, version: Int?, on listing: Listing, why: String,
        by party: ID<Party>
    ) async throws(Problem) -> QuestionTemplate {
        guard party == listing.holder, party == context.own else {
            throw Problem(.forbidden, "compute.template-holder", ["listing": .code(listing.code)])
        }
        let context = context
        return try await context.store.write { transaction throws(Problem) in
            let from: QuestionTemplate.State = decision == .withdraw ? .approved : .proposed
            let known = try TemplateBook.all(on: listing.code.text, in: transaction).filter {
                $0.name == name
            }
            let meant = known.first { version == nil ? $0.state == from : $0.version == version }
            guard let meant else {
                throw Problem(.missing, "compute.template-unknown", ["template": .text(name)])
            }
            return try Self.decide(decision, meant, why: why, context, in: transaction)
        }
    }

    private static func decide(
        _ decision: TemplateDecision, _ template: QuestionTemplate, why: String, _ context: StageContext,
        in transaction: any SQLWriting
    ) throws(Problem) -> QuestionTemplate {
        let (from, to): (QuestionTemplate.State, QuestionTemplate.State) =
            switch decision {
            case .approve: (.proposed, .approved)
            case .refuse: (.proposed, .refused)
            case .withdraw: (.approved, .withdrawn)
            }
        try TemplateBook.decide(
            template.name, template.version, on: template.listingCode, from: from, to: to, why: why,
            in: transaction)
        try context.record(
            .questionDecided, Code(template.listingCode),
            [
                "decision": .string(to.rawValue), "template": template.document, "why": .string(why),
            ], in: transaction)
        let all = try TemplateBook.all(on: template.listingCode, in: transaction)
        return all.first { $0.name == template.name && $0.version == template.version } ?? template
    }

    /// A listing's templates: all of them for its holder, approved ones and their own for others.
    package func templates(
        of listing: Listing, for party: ID<Party>?
    ) async throws(Problem) -> [QuestionTemplate] {
        let code = listing.code.text
        let all = try await context.store.read { transaction throws(Problem) in
            try TemplateBook.all(on: code, in: transaction)
        }
        guard party != listing.holder else { return all }
        return all.filter { $0.state == .approved || $0.proposedBy == party }
    }

    /// A template's question with arguments in its places, as it is then asked.
    package func question(
        from template: JSON, _ arguments: JSON
    ) async throws(Problem) -> String {
        let parameters = (template["parameters"]?.array ?? []).compactMap(QuestionParameter.init(json:))
        let tree = try await engine.tree(of: template["text"]?.text ?? "")
        guard let form = QuestionForm(tree, parameters: parameters) else {
            throw Problem(
                .invalid, "compute.template-parameters", ["template": .text(template["name"]?.text ?? "")])
        }
        do throws(FormRefusal) { return try form.question(arguments) } catch { throw error.problem }
    }

    /// One of the built-in shapes over a listing's columns, ready to be proposed.
    package func draft(
        _ shape: String, named name: String?, over listing: Listing, columns: [String: String]
    ) async throws(Problem) -> TemplateDraft {
        guard let known = QuestionShape.all.first(where: { $0.name == shape }) else {
            throw Problem(
                .missing, "compute.shape-unknown",
                ["shape": .text(shape), "known": .list(QuestionShape.all.map(\.name))])
        }
        var found: [String: Column] = [:]
        for (role, column) in columns {
            found[role] = listing.columns.first { $0.name == column }
        }
        let tree = try await engine.tree(of: known.text)
        do throws(FormRefusal) {
            let (text, parameters) = try known.question(tree, over: listing.tableName, columns: found)
            return TemplateDraft(
                name: name ?? known.name, title: known.title, text: text, parameters: parameters)
        } catch {
            throw error.problem
        }
    }

    /// Where the rules say so, only an approved form is answered.
    func requireApproved(_ text: String, on listing: Listing) async throws(Problem) {
        guard listing.rules != nil, try listing.releaseRules().limits.questions == .approved else { return }
        let code = listing.code.text
        let approved = try await context.store.read { transaction throws(Problem) in
            try TemplateBook.all(on: code, being: [.approved], in: transaction)
        }
        let asked = try await engine.tree(of: text)
        for template in approved {
            let tree = try await engine.tree(of: template.text)
            if QuestionForm(tree, parameters: template.parameters)?.covers(asked) == true { return }
        }
        throw Problem(
            .forbidden, "compute.question-unapproved",
            ["listing": .code(listing.code), "approved": .list(approved.map(\.name))])
    }
}

extension FormRefusal {
    fileprivate var problem: Problem {
        Problem(
            .invalid, "compute.argument-refused",
            ["parameter": .text(parameter), "wanted": .localized(wanted)])
    }
}

extension QuestionForm {
    /// The form with some permitted argument in each place: what its rules are checked with. Whether a form is allowed
    /// never depends on a literal's value, only on its kind.
    fileprivate func sample() throws(Problem) -> String {
        var arguments: [String: JSON] = [:]
        for parameter in parameters { arguments[parameter.name] = parameter.example }
        do throws(FormRefusal) { return try question(.object(arguments)) } catch { throw error.problem }
    }
}

extension QuestionParameter {
    fileprivate var example: JSON {
        if let first = values?.first { return first }
        return switch kind {
        case .text: "x"
        case .integer, .decimal: 1
        case .day: "2026-01-01"
        case .bool: true
        }
    }
}
