// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// The messages of a transfer (Dataspace Protocol 2025-1, Transfer Process Protocol §2).
package enum TransferMessage: Hashable, Sendable {
    case request(TransferRequest)
    /// The data flow; for a pull the provider says from where.
    case start(ProcessPids, DataAddress?)
    case suspension(ProcessPids, Explanation)
    case completion(ProcessPids)
    case termination(ProcessPids, Explanation)

    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case request, start, suspension, completion, termination
    }

    package var kind: Kind {
        switch self {
        case .request: .request
        case .start: .start
        case .suspension: .suspension
        case .completion: .completion
        case .termination: .termination
        }
    }

    /// The `@type` on the wire.
    package var type: String {
        "Transfer" + kind.rawValue.prefix(1).uppercased() + kind.rawValue.dropFirst() + "Message"
    }

    package var json: JSON {
        switch self {
        case .request(let request): .message(type, request.members)
        case .start(let pids, let address):
            .message(type, pids.members, address.map { ["dataAddress": $0.json] } ?? [:])
        case .completion(let pids): .message(type, pids.members)
        case .suspension(let pids, let explanation), .termination(let pids, let explanation):
            .message(type, pids.members, explanation.members)
        }
    }

    package var digest: Digest { Digest(of: json.canonicalBytes) }

    /// Reads a message of whichever type it says it is, as strictly as the protocol's schemas.
    package init(json: JSON) throws(MessageFailure) {
        switch json["@type"]?.text {
        case "TransferRequestMessage": self = .request(try TransferRequest(json))
        case "TransferStartMessage":
            let reader = try MessageReader(json, type: "TransferStartMessage")
            self = .start(try reader.pids(), try DataAddress(reader.members["dataAddress"]))
        case "TransferCompletionMessage":
            self = .completion(try MessageReader(json, type: "TransferCompletionMessage").pids())
        case "TransferSuspensionMessage":
            let reader = try MessageReader(json, type: "TransferSuspensionMessage")
            self = .suspension(try reader.pids(), try reader.explanation())
        case "TransferTerminationMessage":
            let reader = try MessageReader(json, type: "TransferTerminationMessage")
            self = .termination(try reader.pids(), try reader.explanation())
        default: throw .malformed(place: "@type", wanted: "a message of transfer")
        }
    }
}

package struct TransferRequest: Hashable, Sendable {
    package let consumerPid: String
    package let agreementId: String
    package let format: String
    package let callbackAddress: String
    /// Where to push to; a pull has none.
    package let dataAddress: DataAddress?

    package init(
        consumerPid: String, agreementId: String, format: String, callbackAddress: String,
        dataAddress: DataAddress? = nil
    ) {
        self.consumerPid = consumerPid
        self.agreementId = agreementId
        self.format = format
        self.callbackAddress = callbackAddress
        self.dataAddress = dataAddress
    }

    fileprivate init(_ json: JSON) throws(MessageFailure) {
        let reader = try MessageReader(json, type: "TransferRequestMessage")
        consumerPid = try reader.text("consumerPid")
        agreementId = try reader.text("agreementId")
        format = try reader.text("format")
        callbackAddress = try reader.text("callbackAddress")
        dataAddress = try DataAddress(reader.members["dataAddress"])
    }

    fileprivate var members: [String: JSON] {
        var members: [String: JSON] = [
            "consumerPid": .string(consumerPid), "agreementId": .string(agreementId),
            "format": .string(format),
            "callbackAddress": .string(callbackAddress),
        ]
        members["dataAddress"] = dataAddress?.json
        return members
    }
}

/// Where data can be fetched or brought, and with what.
package struct DataAddress: Hashable, Sendable {
    /// The field's name of an HTTP endpoint.
    package static let http = "https://w3id.org/idsa/v4.1/HTTP"

    package let endpointType: String
    package let endpoint: String?
    /// Name and value, in the order they are written.
    package let properties: [Property]

    package struct Property: Hashable, Sendable {
        package let name: String
        package let value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package init(endpointType: String = Self.http, endpoint: String?, properties: [Property]) {
        self.endpointType = endpointType
        self.endpoint = endpoint
        self.properties = properties
    }

    /// `HttpData-PULL` with a bearer token, and where it is renewed before it ends (the Data Plane Signaling
    /// profile's names: `refreshToken`, `expiresIn` in seconds, `refreshEndpoint`).
    package static func pull(
        from endpoint: String, token: String, expiresIn seconds: Int, refreshToken: String,
        refreshEndpoint: String
    ) -> DataAddress {
        DataAddress(
            endpoint: endpoint,
            properties: [
                Property("authorization", token), Property("authType", "bearer"),
                Property("refreshToken", refreshToken), Property("expiresIn", String(seconds)),
                Property("refreshEndpoint", refreshEndpoint),
            ])
    }

    package subscript(_ name: String) -> String? { properties.first { $0.name == name }?.value }

    fileprivate init?(_ json: JSON?) throws(MessageFailure) {
        guard let json else { return nil }
        let reader = try MessageReader(json, place: "dataAddress")
        guard json["@type"]?.text == "DataAddress" else { throw reader.failure("@type", "DataAddress") }
        endpointType = try reader.text("endpointType")
        endpoint = try reader.optionalText("endpoint")
        var read: [Property] = []
        if let list = json["endpointProperties"] {
            guard let array = list.array, !array.isEmpty else {
                throw reader.failure("endpointProperties", "a non-empty array")
            }
            for (number, property) in array.enumerated() {
                let reader = try MessageReader(property, place: "dataAddress.endpointProperties[\(number)]")
                guard property["@type"]?.text == "EndpointProperty" else {
                    throw reader.failure("@type", "EndpointProperty")
                }
                read.append(Property(try reader.text("name"), try reader.text("value")))
            }
        }
        properties = read
    }

    package var json: JSON {
        var members: [String: JSON] = ["@type": "DataAddress", "endpointType": .string(endpointType)]
        members["endpoint"] = endpoint.map(JSON.string)
        if !properties.isEmpty {
            members["endpointProperties"] = .array(
                properties.map {
                    ["@type": "EndpointProperty", "name": .string($0.name), "value": .string($0.value)]
                })
        }
        return .object(members)
    }

    /// Reads what `json` wrote; `nil` for anything else.
    init?(stored json: JSON?) {
        guard let address = try? DataAddress(json) else { return nil }
        self = address
    }
}
