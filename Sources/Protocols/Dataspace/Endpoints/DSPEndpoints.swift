// SPDX-License-Identifier: Apache-2.0

import Policy
package import Primitives

/// One request to the protocol's endpoints, after its caller was proven.
package struct DSPRequest: Sendable {
    package let method: String
    /// Under the base: `/negotiations/request`.
    package let path: String
    package let query: [String: String]
    package let body: [UInt8]
    /// The participant the credentials name.
    package let caller: String

    package init(
        method: String, path: String, query: [String: String] = [:], body: [UInt8] = [], caller: String
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.body = body
        self.caller = caller
    }
}

/// The answer: a status, a body of the protocol, and at most a `Link` header.
package struct DSPReply: Sendable {
    package let status: Int
    package let body: JSON
    package let link: String?

    package init(status: Int, body: JSON, link: String? = nil) {
        self.status = status
        self.body = body
        self.link = link
    }
}

/// A process that a request moved, and what has to follow; to be stored and logged in the same commit.
package enum DSPEvent: Sendable {
    case negotiation(Negotiation, [Negotiation.Effect])
    case transfer(TransferProcess, [TransferProcess.Effect])
}

/// Where processes are kept: in the node's database, inside the commit of the request. A process is found by our
/// own name of it.
package protocol ProcessBook {
    func negotiation(_ pid: String) throws(Problem) -> Negotiation?
    /// The one that this participant began under its own name for it, so that a repeated first message finds it.
    func negotiation(begunBy counterparty: String, as pid: String) throws(Problem) -> Negotiation?
    mutating func store(_ negotiation: Negotiation) throws(Problem)

    func transfer(_ pid: String) throws(Problem) -> TransferProcess?
    func transfer(begunBy counterparty: String, as pid: String) throws(Problem) -> TransferProcess?
    mutating func store(_ transfer: TransferProcess) throws(Problem)

    /// What speaks against a transfer that this participant asks for: no agreement of that name in force with it,
    /// or a format the agreement does not offer. `nil` where nothing does.
    func objection(to request: TransferRequest, from counterparty: String) throws(Problem) -> String?
}

/// The protocol's endpoints as functions: method, path, body and caller in, status and body out.
///
/// No sockets, no clock: what they read and write is a book and a shelf, so the whole protocol runs in one
/// transaction, and in tests without a network.
package struct DSPEndpoints: Sendable {
    /// Our own participant's identifier.
    package let participantId: String
    /// The address of these endpoints, as others reach them.
    package let service: DataService

    package init(participantId: String, service: DataService) {
        self.participantId = participantId
        self.service = service
    }

    /// Answers a request. Every refusal is the typed error of the protocol; a `Problem` is thrown only for what
    /// the book or the shelf could not do.
    ///
    /// - Parameter newPid: a fresh name for a process that begins here.
    package func answer<Book: ProcessBook>(
        _ request: DSPRequest, book: inout Book, shelf: some CatalogShelf, now: Instant, newPid: String
    ) throws(Problem) -> (DSPReply, DSPEvent?) {
        guard let route = DSPRoute(request.method, request.path) else {
            return (error(.catalog, 404, "There is no such endpoint of the Dataspace Protocol."), nil)
        }
        switch route {
        case .catalog: return (try catalog(request, shelf), nil)
        case .dataset(let id):
            guard let dataset = try shelf.dataset(id, for: request.caller) else {
                return (error(.catalog, 404, "There is no such dataset."), nil)
            }
            return (DSPReply(status: 200, body: dataset.reply(service: service)), nil)
        case .negotiation(let pid):
            guard let found = try own(book.negotiation(pid), request.caller) else {
                return (error(.negotiation, .unknown, pid), nil)
            }
            return (DSPReply(status: 200, body: found.reply), nil)
        case .transfer(let pid):
            guard let found = try own(book.transfer(pid), request.caller) else {
                return (error(.transfer, .unknown, pid), nil)
            }
            return (DSPReply(status: 200, body: found.reply), nil)
        case .negotiationBegin(let kind): return try beginNegotiation(kind, request, &book, now, newPid)
        case .negotiationStep(let pid, let step): return try stepNegotiation(pid, step, request, &book, now)
        case .transferBegin: return try beginTransfer(request, &book, now, newPid)
        case .transferStep(let pid, let kind): return try stepTransfer(pid, kind, request, &book, now)
        }
    }

    /// The version document, for `GET /.well-known/dspace-version`: open to everybody.
    ///
    /// - Parameter path: the base path of these endpoints on this host.
    package func versions(path: String) -> JSON {
        let version: JSON = [
            "version": .string(Protocol2025.version), "path": .string(path), "binding": "HTTPS",
            "serviceId": .string(service.id), "identifierType": "did:web",
            "auth": ["protocol": "hutong-token", "version": "1", "profile": ["EdDSA-JWT"]],
        ]
        return ["protocolVersions": [version]]
    }

    // MARK: Catalog

    private func catalog(_ request: DSPRequest, _ shelf: some CatalogShelf) throws(Problem) -> DSPReply {
        let asked: CatalogRequest
        do {
            asked = try CatalogRequest(json: parse(request.body))
        } catch {
            return self.error(.catalog, 400, error.text)
        }
        let page = try shelf.page(asked, for: request.caller, after: request.query["cursor"])
        let body = page.reply(id: service.id + "#catalog", participantId: participantId, service: service)
        let links = [(page.next, "next"), (page.previous, "previous")].compactMap { cursor, relation in
            cursor.map { "<\(service.endpointURL)/catalog/request?cursor=\($0)>; rel=\"\(relation)\"" }
        }
        return DSPReply(status: 200, body: body, link: links.isEmpty ? nil : links.joined(separator: ", "))
    }

    // MARK: Negotiations

    private func beginNegotiation<Book: ProcessBook>(
        _ kind: NegotiationMessage.Kind, _ request: DSPRequest, _ book: inout Book, _ now: Instant,
        _ newPid: String
    ) throws(Problem) -> (DSPReply, DSPEvent?) {
        let opened: (Negotiation, [Negotiation.Effect])
        do throws(DSPFailure) {
            let message = try negotiationMessage(request.body)
            guard message.kind == kind else {
                throw DSPFailure(.malformed(place: "@type", wanted: kind.rawValue))
            }
            switch message {
            case .request(let asked):
                if let known = try begun(book, request.caller, asked.consumerPid) {
                    return (answered(known, 200), nil)
                }
                opened = try DSPFailure.wrap { () throws(ProcessRefusal) in
                    try Negotiation.opened(by: asked, from: request.caller, providerPid: newPid, now: now)
                }
            case .offer(let offered):
                if let known = try begun(book, request.caller, offered.providerPid) {
                    return (answered(known, 200), nil)
                }
                opened = try DSPFailure.wrap { () throws(ProcessRefusal) in
                    try Negotiation.opened(by: offered, from: request.caller, consumerPid: newPid, now: now)
                }
            default: throw DSPFailure(.malformed(place: "@type", wanted: kind.rawValue))
            }
        } catch {
            return (try self.error(.negotiation, error, body: request.body), nil)
        }
        try book.store(opened.0)
        return (answered(opened.0, 201), .negotiation(opened.0, opened.1))
    }

    private func stepNegotiation<Book: ProcessBook>(
        _ pid: String, _ step: DSPRoute.Step, _ request: DSPRequest, _ book: inout Book, _ now: Instant
    ) throws(Problem) -> (DSPReply, DSPEvent?) {
        guard var negotiation = try own(book.negotiation(pid), request.caller) else {
            return (error(.negotiation, .unknown, pid), nil)
        }
        let effects: [Negotiation.Effect]
        do throws(DSPFailure) {
            let message = try negotiationMessage(request.body)
            guard step.takes(message.kind) else {
                throw DSPFailure(.malformed(place: "@type", wanted: "a message for /\(step.rawValue)"))
            }
            effects = try DSPFailure.wrap { () throws(ProcessRefusal) in
                try negotiation.receive(message, from: request.caller, at: now)
            }
        } catch {
            return (try self.error(.negotiation, error, pids: negotiation.pids), nil)
        }
        if effects.isEmpty { return (answered(negotiation, 200), nil) }
        try book.store(negotiation)
        return (answered(negotiation, 200), .negotiation(negotiation, effects))
    }

    private func begun(
        _ book: some ProcessBook, _ caller: String, _ pid: String
    ) throws(DSPFailure) -> Negotiation? {
        do { return try book.negotiation(begunBy: caller, as: pid) } catch { throw DSPFailure(error) }
    }

    // MARK: Transfers

    private func beginTransfer<Book: ProcessBook>(
        _ request: DSPRequest, _ book: inout Book, _ now: Instant, _ newPid: String
    ) throws(Problem) -> (DSPReply, DSPEvent?) {
        let asked: TransferRequest
        do throws(DSPFailure) {
            guard case .request(let read) = try transferMessage(request.body) else {
                throw DSPFailure(.malformed(place: "@type", wanted: "TransferRequestMessage"))
            }
            asked = read
        } catch {
            return (try self.error(.transfer, error, body: request.body), nil)
        }
        if let known = try book.transfer(begunBy: request.caller, as: asked.consumerPid) {
            return (answered(known, 200), nil)
        }
        if let objection = try book.objection(to: asked, from: request.caller) {
            return (
                error(.transfer, 400, objection, ProcessPids(provider: "", consumer: asked.consumerPid)), nil
            )
        }
        let (transfer, effects) = TransferProcess.opened(
            by: asked, from: request.caller, providerPid: newPid, now: now)
        try book.store(transfer)
        return (answered(transfer, 201), .transfer(transfer, effects))
    }

    private func stepTransfer<Book: ProcessBook>(
        _ pid: String, _ kind: TransferMessage.Kind, _ request: DSPRequest, _ book: inout Book, _ now: Instant
    ) throws(Problem) -> (DSPReply, DSPEvent?) {
        guard var transfer = try own(book.transfer(pid), request.caller) else {
            return (error(.transfer, .unknown, pid), nil)
        }
        let effects: [TransferProcess.Effect]
        do throws(DSPFailure) {
            let message = try transferMessage(request.body)
            guard message.kind == kind else {
                throw DSPFailure(.malformed(place: "@type", wanted: kind.rawValue))
            }
            effects = try DSPFailure.wrap { () throws(ProcessRefusal) in
                try transfer.receive(message, from: request.caller, at: now)
            }
        } catch {
            return (try self.error(.transfer, error, pids: transfer.pids), nil)
        }
        if effects.isEmpty { return (answered(transfer, 200), nil) }
        try book.store(transfer)
        return (answered(transfer, 200), .transfer(transfer, effects))
    }

    // MARK: Small pieces

    /// Somebody else's process is no process: the caller cannot tell the two apart.
    private func own<P: DataspaceProcess>(_ process: P?, _ caller: String) -> P? {
        process?.correspondence.counterparty == caller ? process : nil
    }

    private func answered(_ process: some DataspaceProcess, _ status: Int) -> DSPReply {
        DSPReply(status: status, body: process.reply)
    }

    private func parse(_ body: [UInt8]) throws(MessageFailure) -> JSON {
        guard body.count <= Protocol2025.messageBytesMax else {
            throw .malformed(place: "/", wanted: "at most \(Protocol2025.messageBytesMax) bytes")
        }
        do {
            return try JSON(parsing: body)
        } catch {
            throw .notJSON(offset: error.offset, reason: error.reason)
        }
    }

    private func negotiationMessage(_ body: [UInt8]) throws(DSPFailure) -> NegotiationMessage {
        do { return try NegotiationMessage(json: parse(body)) } catch { throw DSPFailure(error) }
    }

    private func transferMessage(_ body: [UInt8]) throws(DSPFailure) -> TransferMessage {
        do { return try TransferMessage(json: parse(body)) } catch { throw DSPFailure(error) }
    }

    private enum ErrorType: String {
        case catalog = "CatalogError"
        case negotiation = "ContractNegotiationError"
        case transfer = "TransferError"
    }

    private func error(_ type: ErrorType, _ status: Int, _ reason: String, _ pids: ProcessPids? = nil)
        -> DSPReply
    {
        let explanation = Explanation(code: String(status), reasons: [reason])
        return DSPReply(
            status: status, body: .message(type.rawValue, pids?.members ?? [:], explanation.members))
    }

    /// The error of a process the caller cannot see: it is told its own words back, and nothing of ours.
    private func error(_ type: ErrorType, _ refusal: ProcessRefusal, _ pid: String) -> DSPReply {
        error(type, refusal.status, refusal.text, ProcessPids(provider: pid, consumer: pid))
    }

    private func error(
        _ type: ErrorType, _ failure: DSPFailure, pids: ProcessPids? = nil, body: [UInt8] = []
    ) throws(Problem) -> DSPReply {
        if case .problem(let problem) = failure.cause { throw problem }
        // The schema wants both names: those of the message, as far as it has any.
        let said = try? JSON(parsing: body)
        let told = ProcessPids(
            provider: said?["providerPid"]?.text ?? "", consumer: said?["consumerPid"]?.text ?? "")
        return error(type, failure.status, failure.text, pids ?? told)
    }
}

/// Whatever can go wrong with a message, on its way to a typed error.
private struct DSPFailure: Error {
    enum Cause {
        case message(MessageFailure)
        case refusal(ProcessRefusal)
        case problem(Problem)
    }

    let cause: Cause

    init(_ failure: MessageFailure) { cause = .message(failure) }
    init(_ problem: Problem) { cause = .problem(problem) }

    static func wrap<Answer>(_ body: () throws(ProcessRefusal) -> Answer) throws(DSPFailure) -> Answer {
        do { return try body() } catch { throw DSPFailure(refusal: error) }
    }

    private init(refusal: ProcessRefusal) { cause = .refusal(refusal) }

    var status: Int {
        if case .refusal(let refusal) = cause { refusal.status } else { 400 }
    }

    var text: String {
        switch cause {
        case .message(let failure): failure.text
        case .refusal(let refusal): refusal.text
        case .problem(let problem): problem.code
        }
    }
}
