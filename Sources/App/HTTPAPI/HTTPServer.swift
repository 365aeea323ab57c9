// SPDX-License-Identifier: Apache-2.0

private import Foundation
private import HTTPTypes
private import Hummingbird
private import HummingbirdCore
private import HummingbirdTLS
package import Logging
private import NIOCore
private import NIOSSL
package import Primitives
import Wire

/// The node's one port: Hummingbird in front of the route table.
package struct HTTPServer: Sendable {
    /// Certificate and key files in PEM, and the authority that peers' certificates must come from.
    package struct TLSFiles: Sendable {
        package let certificate: String
        package let key: String

        package init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    let table: RouteTable
    let host: String
    let port: Int
    let tls: TLSFiles?
    let inbox: String
    let logger: Logger
    let metrics: MetricsText
    let clock: WallClock

    package init(
        table: RouteTable, host: String, port: Int, tls: TLSFiles?, inbox: String, logger: Logger,
        metrics: MetricsText, clock: WallClock
    ) {
        self.table = table
        self.host = host
        self.port = port
        self.tls = tls
        self.inbox = inbox
        self.logger = logger
        self.metrics = metrics
        self.clock = clock
    }

    /// Serves until the task is cancelled; `ready` is told the port that was bound.
    package func run(ready: @escaping @Sendable (Int) async -> Void) async throws {
        let responder = CallbackResponder { (request: Request, _: BasicRequestContext) in
            await self.respond(to: request)
        }
        let application = Application(
            responder: responder, server: try builder(),
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port), serverName: "hutong"),
            onServerRunning: { channel in await ready(channel.localAddress?.port ?? 0) }, logger: logger)
        try await application.runService()
    }

    private func builder() throws -> HTTPServerBuilder {
        guard let tls else { return .http1() }
        let chain = try NIOSSLCertificate.fromPEMFile(tls.certificate).map {
            NIOSSLCertificateSource.certificate($0)
        }
        let configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain,
            privateKey: .privateKey(try NIOSSLPrivateKey(file: tls.key, format: .pem)))
        return try .tls(.http1(), tlsConfiguration: configuration)
    }

    private func respond(to request: Request) async -> Response {
        let requestID = String(ID<Request>(at: clock.now()).uuid)
        let language = Self.language(of: request)
        metrics.add("http_server_requests_total")
        do throws(Problem) {
            let (route, parameters) = try table.find(request.method.rawValue, request.uri.path)
            let asked = APIRequest(
                method: request.method.rawValue, path: request.uri.path, query: Self.query(of: request),
                headers: Self.headers(of: request), language: language)
            // A stranger's gigabytes are refused before the first of them is written.
            let admitted = route.isUpload ? try await table.admit(asked, route) : asked
            let staged = try await body(of: request, route)
            defer {
                // A verb that keeps an upload moves it away; what is left here belongs to nobody.
                if let file = staged.file { try? FileManager.default.removeItem(atPath: file) }
            }
            let decoded = admitted.with(body: staged.bytes, upload: staged.file)
            return Self.response(
                try await table.answer(decoded, route: route, parameters: parameters),
                isHead: request.method == .head)
        } catch {
            if error.kind == .fault {
                logger.error(
                    "request failed",
                    metadata: [
                        "request.id": "\(requestID)", "problem.code": "\(error.code)",
                        "problem.note": "\(error.operatorNote ?? "")",
                    ])
            }
            metrics.add("http_server_problems_total")
            let page = APIReply.page(
                for: error, path: request.uri.path, headers: Self.headers(of: request), language: language,
                request: requestID)
            return Self.response(page ?? APIReply(error, in: language, request: requestID))
        }
    }

    private func body(of request: Request, _ route: Route) async throws(Problem) -> (
        bytes: [UInt8], file: String?
    ) {
        let limit = Problem(.limited, "app.body-too-long", ["limit": .bytes(Int64(route.bodyBytesMax))])
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > route.bodyBytesMax {
            throw limit
        }
        guard route.isUpload else {
            do {
                return (Array(buffer: try await request.body.collect(upTo: route.bodyBytesMax)), nil)
            } catch {
                throw limit
            }
        }
        return ([], try await stage(request, limit: route.bodyBytesMax, problem: limit))
    }

    /// Streams an upload into a fresh file of the inbox: no file is held in memory, and its name is ours.
    private func stage(_ request: Request, limit: Int, problem: Problem) async throws(Problem) -> String {
        let name = ID<Request>(at: clock.now()).uuid
        let path = inbox + "/" + name
        let failed = Problem(.fault, "store.storage-failed", operatorNote: "cannot write the inbox")
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let handle = FileHandle(forWritingAtPath: path)
        else { throw failed }
        var count = 0
        do {
            for try await piece in request.body {
                count += piece.readableBytes
                guard count <= limit else { throw problem }
                try handle.write(contentsOf: Data(Array(buffer: piece)))
            }
            try handle.synchronize()
            try handle.close()
            return path
        } catch {
            try? FileManager.default.removeItem(atPath: path)
            throw error as? Problem ?? failed
        }
    }

    private static func response(_ reply: APIReply, isHead: Bool = false) -> Response {
        var fields = HTTPFields()
        fields[.contentType] = reply.contentType
        for (name, value) in reply.headers {
            if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
        }
        if let name = HTTPField.Name("X-Content-Type-Options") { fields[name] = "nosniff" }
        if let name = HTTPField.Name("Referrer-Policy") { fields[name] = "same-origin" }
        let status = HTTPResponse.Status(code: reply.status)
        if isHead {
            fields[.contentLength] = String(reply.file.map { $0.bytes.count } ?? reply.body.count)
            return Response(status: status, headers: fields)
        }
        if let file = reply.file { return Response(status: status, headers: fields, body: stream(file)) }
        return Response(
            status: status, headers: fields, body: .init(byteBuffer: ByteBuffer(bytes: reply.body)))
    }

    /// Sends a part of a file piece by piece: memory for one piece, whatever its size.
    private static func stream(_ file: FileSlice) -> ResponseBody {
        ResponseBody(contentLength: file.bytes.count) { writer in
            guard let handle = FileHandle(forReadingAtPath: file.path) else {
                throw CocoaError(.fileReadNoSuchFile)
            }
            defer { try? handle.close() }
            try handle.seek(toOffset: UInt64(file.bytes.lowerBound))
            var left = file.bytes.count
            while left > 0, let piece = try handle.read(upToCount: min(left, 1 << 18)), !piece.isEmpty {
                left -= piece.count
                try await writer.write(ByteBuffer(bytes: piece))
            }
            try await writer.finish(nil)
        }
    }

    private static func query(of request: Request) -> [String: String] {
        var query: [String: String] = [:]
        for (name, value) in request.uri.queryParameters {
            query[String(name)] = String(value).replacing("+", with: " ")
        }
        return query
    }

    private static func headers(of request: Request) -> [String: String] {
        var headers: [String: String] = ["host": request.head.authority ?? ""]
        for field in request.headers { headers[field.name.canonicalName] = field.value }
        return headers
    }

    /// `?lang=`, then the page's cookie, then Accept-Language.
    private static func language(of request: Request) -> Language {
        if let wish = request.uri.queryParameters["lang"].flatMap({ Language(rawValue: String($0)) }) {
            return wish
        }
        let accepted = request.headers[.acceptLanguage] ?? ""
        return accepted.lowercased().hasPrefix("zh") ? .zh : .en
    }
}
