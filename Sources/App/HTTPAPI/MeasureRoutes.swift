// SPDX-License-Identifier: Apache-2.0

import Identity
import Measure
import Packs
import Primitives
import Register

extension Courtyard {
    /// The plan ledger, its rounds, and published indices.
    var measureRoutes: [Route] {
        [
            Route("GET", "/api/v1/plans", .anyone, "Targets and tasks with their lights: ?asOf=.") {
                request throws(Problem) in
                let day = try request.day("asOf") ?? context.clock.now().day(in: .shanghai)
                let plans = try await packs.plans()
                return APIReply(["plans": .array(plans.map { $0.json(on: day, in: request.language) })])
            },
            Route("GET", "/api/v1/plan-rounds", .anyone, "Dispatch rounds: who reported, who is silent.") {
                request throws(Problem) in
                let today = context.clock.now().day(in: .shanghai)
                let rounds = try await packs.rounds()
                return APIReply([
                    "rounds": .array(rounds.map { $0.json(on: today, in: request.language) })
                ])
            },
            Route("GET", "/api/v1/plan-rounds/:round", .anyone, "A round with the summary of its reports.") {
                request throws(Problem) in
                let round = try await packs.round(request.parameter("round"))
                let today = context.clock.now().day(in: .shanghai)
                return APIReply(round.json(on: today, in: request.language))
            },
            Route("GET", "/api/v1/indices", .anyone, "Published indices, each version.") {
                request throws(Problem) in
                let reports = try await packs.reports()
                return APIReply(["reports": .array(reports.map { $0.json(in: request.language) })])
            },
            Route(
                "GET", "/api/v1/indices/:index/:period", .anyone,
                "A published index with its figures and scores: ?version=."
            ) { request throws(Problem) in
                let report = try await indexReport(request)
                return APIReply(try report.fullJSON(in: request.language))
            },
            Route(
                "POST", "/api/v1/indices/:index/:period", .scope(.marketOperate),
                "Freeze figures and publish: {figures: CSV, note}.", bodyBytesMax: 8 << 20
            ) { request throws(Problem) in
                let body = try request.json()
                let report = try await packs.publish(
                    request.parameter("index"), period: request.parameter("period"),
                    figures: try body.needed("figures"), note: body["note"]?.text ?? "",
                    by: request.proven())
                return APIReply(report.json(in: request.language), status: 201)
            },
        ]
    }

    func indexReport(_ request: APIRequest) async throws(Problem) -> IndexReport {
        try await packs.report(
            request.parameter("index"), period: request.parameter("period"),
            version: request.query["version"].flatMap { Int($0) })
    }
}
