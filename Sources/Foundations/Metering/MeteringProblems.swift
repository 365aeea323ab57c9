// SPDX-License-Identifier: Apache-2.0

import Primitives

extension Problem {
    static func batchTooLarge(_ count: Int) -> Problem {
        Problem(
            .invalid, "metering.batch-too-large",
            ["count": .integer(Int64(count)), "most": .integer(Int64(UsageEvent.batchMax))])
    }

    static func eventMalformed(place: Int, attribute: String) -> Problem {
        Problem(
            .invalid, "metering.event-malformed",
            ["place": .integer(Int64(place + 1)), "attribute": .text(attribute)])
    }

    static func eventDiffers(source: String, id: String) -> Problem {
        Problem(.conflict, "metering.event-differs", ["source": .text(source), "id": .text(id)])
    }

    static func eventUncountable(_ event: UsageEvent, _ property: String) -> Problem {
        Problem(
            .invalid, "metering.event-uncountable",
            ["id": .text(event.id), "type": .text(event.type), "property": .text(property)])
    }

    static func meterMissing(_ type: String) -> Problem {
        Problem(.missing, "metering.type-unknown", ["type": .text(type)])
    }

    static func meterDefinedOtherwise(_ type: String) -> Problem {
        Problem(.conflict, "metering.defined-otherwise", ["type": .text(type)])
    }

    static func grantMissing(_ id: ID<UsageGrant>) -> Problem {
        Problem(.missing, "metering.grant-missing", ["grant": .code(Code(.grant, id))])
    }

    static func grantRefused(_ code: String, _ id: ID<UsageGrant>) -> Problem {
        let kind: Kind = code == "metering.grant-differs" ? .conflict : .forbidden
        return Problem(kind, code, ["grant": .code(Code(.grant, id))])
    }

    static func reservationOver(_ id: ID<Reservation>) -> Problem {
        Problem(.conflict, "metering.reservation-over", ["passage": .code(Code(.passage, id))])
    }

    static let rowDamaged = Problem(
        .fault, "store.row-unreadable", operatorNote: "an unknown word in the meters")
}
