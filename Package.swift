// swift-tools-version: 6.3
// swift-format-ignore-file
// SPDX-License-Identifier: Apache-2.0
//
// The house, read as a table: each line is a room, its layer, and what it may import.
// A room stands in Sources/<Layer>/<Room>/. HouseTests compares these lines with the files' imports.

import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .treatWarning("DeprecatedDeclaration", as: .warning),
]

func room(_ layer: String, _ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/\(layer)/\(name)",
            exclude: name == "Noise" ? ["Proof.md"] : [], swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, path: "Tests/\(name)", swiftSettings: strict)
}

// What comes from outside; docs/dependencies.md says why each.
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdTLS: Target.Dependency = .product(name: "HummingbirdTLS", package: "hummingbird")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let httpClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let nio: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioHTTP: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")

let package = Package(
    name: "hutong",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "hutong", targets: ["hutong"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
    ],
    targets: [
        // Kernels: nothing of ours; no I/O, no clock, no Foundation.
        .target(name: "CMerkle", path: "Sources/Kernels/CMerkle", cSettings: [.unsafeFlags(["-O3"])]),
        room("Kernels", "Merkle", ["CMerkle"]),
        .target(name: "CScan", path: "Sources/Kernels/CScan", cSettings: [.unsafeFlags(["-O3"])]),
        room("Kernels", "Scan", ["CScan"]),
        room("Kernels", "Noise"),
        .target(name: "CCurves", path: "Sources/Kernels/CCurves", cSettings: [.unsafeFlags(["-O3"])]),
        room("Kernels", "Curves", ["CCurves", crypto]),
        room("Kernels", "Oblivious", ["Curves", "COblivious", crypto]),
        .target(name: "CAES", path: "Sources/Kernels/CAES", cSettings: [.unsafeFlags(["-O3"])]),
        room("Kernels", "FormatPreserving", ["CAES"]),
        .target(name: "COblivious", path: "Sources/Kernels/COblivious", cSettings: [.unsafeFlags(["-O3"])]),
        // Foundations
        room("Foundations", "Primitives", [crypto]),
        room("Foundations", "Store", ["Primitives"]),
        room("Foundations", "Policy", ["Primitives"]),
        room("Foundations", "Tables", ["Primitives", crypto]),
        room("Foundations", "Identity", ["Primitives", "Store", crypto, cryptoExtras]),
        room("Foundations", "Lane", ["Identity", "Store", "Primitives"]),
        room("Foundations", "Transparency", ["Primitives", "Store", "Identity", "Merkle"]),
        room("Foundations", "Rules", ["Primitives"]),
        room("Foundations", "Casework", ["Store", "Primitives"]),
        room("Foundations", "Ledger", ["Store"]),
        room("Foundations", "Metering", ["Store"]),
        room("Foundations", "Lists", ["Store", "Primitives"]),
        // Adapters: each fills one seam.
        .systemLibrary(name: "CSQLite", path: "Sources/Adapters/CSQLite", providers: [.apt(["libsqlite3-dev"])]),
        room("Adapters", "StoreSQLite", ["Store", "CSQLite"]),
        room("Adapters", "LaneHTTP", ["Lane", "Identity", "Primitives", httpClient, nio, nioHTTP, nioSSL]),
        .target(name: "CDuckDB", path: "Sources/Adapters/CDuckDB", linkerSettings: [.linkedLibrary("dl")]),
        room("Adapters", "TablesDuckDB", ["Tables", "Primitives", "CDuckDB"]),
        room("Adapters", "TransparencyHTTP", ["Transparency", "Primitives", httpClient, nio, nioHTTP]),
        .systemLibrary(name: "COpenSSL", path: "Sources/Adapters/COpenSSL", providers: [.apt(["libssl-dev"])]),
        room("Adapters", "SignersOpenSSL", ["Identity", "Primitives", "COpenSSL"]),
        .systemLibrary(name: "CPostgres", path: "Sources/Adapters/CPostgres", providers: [.apt(["libpq-dev"])]),
        room("Adapters", "StorePostgres", ["Store", "CPostgres"]),
        room("Adapters", "TablesSpark", ["Tables"]),
        // City
        room("City", "Classification", ["Scan", "Primitives"]),
        // Protocols
        room("Protocols", "Dataspace", ["Policy"]),
        room("Protocols", "PrivateSQL", ["Noise", "Tables", "Primitives", crypto]),
        room("Protocols", "PSI", ["Curves", "Oblivious", "Primitives", crypto]),
        // Stages
        room("Stages", "Collect", ["Tables", "Store", "Transparency", "Primitives", "Classification", "Scan", "FormatPreserving", crypto, "Identity"]),
        room("Stages", "Register", ["Collect", "Classification", "Lane", "Transparency", "Tables", "Identity", "Store", "Primitives"]),
        room("Stages", "Trade", ["Register", "Ledger", "Lane", "Transparency", "Dataspace", "Policy", "Identity", "Store", "Primitives", "Metering"]),
        room("Stages", "Valve", ["PrivateSQL", "Trade", "Register", "Metering", "Transparency", "Policy", "Identity", "Store", "Primitives"]),
        room("Stages", "Compute", ["PSI", "Noise", "PrivateSQL", "Tables", "Valve", "Trade", "Register", "Lane", "Transparency", "Policy", "Identity", "Store", "Primitives"]),
        room("Stages", "Publish", ["Policy", "Primitives"]),
        room("Stages", "Deliver", ["Casework", "Dataspace", "Tables", "Publish", "Valve", "Trade", "Register", "Lane", "Transparency", "Policy", "Identity", "Store", "Primitives", crypto]),
        // Oversight
        room("Oversight", "Measure", ["Rules", "Primitives"]),
        room("Oversight", "Packs", ["Casework", "Classification", "Lists", "Measure", "Policy", "Rules", "Primitives", yams, "Trade", "Register", "Lane", "Transparency", "Identity", "Store"]),
        // App
        .target(name: "CTexts", path: "Sources/App/CTexts", cSettings: [.unsafeFlags(["-std=c23"])]),
        room("App", "Wire", ["Primitives", "CTexts", yams]),
        .executableTarget(name: "hutong", dependencies: ["Assembly", "Compute", "Valve", "HTTPAPI", "WebUI", "APIClient", "Identity", "Register", "Store", "Transparency", "Trade", logging, "Wire", "Policy", "Primitives", arguments, "Tables", "TablesDuckDB", "Collect", yams, "StoreSQLite", "Ledger", "Metering", "PrivateSQL", "PSI", "Oblivious", "Rules", "Classification", "Scan", "TransparencyHTTP", "SignersOpenSSL", "Packs", "Lists", "Measure"],
                          path: "Sources/App/hutong", swiftSettings: strict),
        .target(name: "CAssets", path: "Sources/App/CAssets", cSettings: [.unsafeFlags(["-std=c23"])]),
        .systemLibrary(name: "CQREncode", path: "Sources/App/CQREncode", providers: [.apt(["libqrencode-dev"])]),
        room("App", "WebUI", ["Primitives", "CAssets", "CQREncode"]),
        room("App", "HTTPAPI", ["Packs", "Deliver", "Dataspace", "Publish", "Lane", "Compute", "Collect", "Wire", "WebUI", "Primitives", hummingbird, hummingbirdCore, hummingbirdTLS, nio, nioSSL, httpTypes, logging]),
        room("App", "APIClient", ["Wire", "Primitives", httpClient, nio, nioHTTP, nioSSL]),
        room("App", "Assembly", ["HTTPAPI", "Deliver", "Dataspace", "Compute", "Valve", "Trade", "Register", "Collect", "Ledger", "Metering", "Transparency", "Lane", "Identity", "Store", "Tables", "LaneHTTP", "StoreSQLite", "StorePostgres", "SignersOpenSSL", "TransparencyHTTP", "TablesDuckDB", "Primitives", logging, "Packs", "Casework", "Lists"]),
        // Tests
        .target(name: "TestKit", dependencies: ["Primitives"], path: "Tests/TestKit", swiftSettings: strict),
        tests("HouseTests", ["Primitives", "Wire"]),
        tests("EndToEndTests", ["Primitives", "hutong", "TestKit", "TestStores", "Assembly", "Store", "StoreSQLite", "Transparency"]),
        tests("HTTPAPITests", ["Compute", "Policy", "Valve", "Classification", "Assembly", "HTTPAPI", "Identity", "Register", "Primitives", "TestKit", logging, "Store", "Transparency", "Packs", "Trade"]),
        // Tests
        tests("PrimitivesTests", ["Primitives"]),
        tests("DataspaceTests", ["TestKit", "Dataspace", "Policy", "Primitives", "Wire", "Publish", "Deliver", "Identity", "hutong"]),
        tests("TransparencyTests", ["TestKit", "Transparency", "Identity", "Merkle", "CMerkle", "Store", "StoreSQLite", "Primitives", crypto, "SignersOpenSSL"]),
        tests("CollectTests", ["TestKit", "Collect", "Scan", "Tables", "TablesDuckDB", "Store", "StoreSQLite", "Transparency", "Identity", "Primitives", yams, "Classification", "FormatPreserving"]),
        tests("StoreTests", ["Store", "StoreSQLite", "Primitives", "TestStores"]),
        tests("PacksTests", ["Packs", "Measure", "Rules", "Lists", "Casework", "Trade", "Policy", "Register", "Lane", "Transparency", "Identity", "Store", "TestStores", "Primitives"]),
        tests("RulesTests", ["Rules", "Primitives"]),
        tests("CaseworkTests", ["Casework", "Store", "Primitives"]),
        tests("LedgerTests", ["TestKit", "Ledger", "StoreSQLite", "Metering", "Trade", "Valve", "Register", "Transparency", "Lane", "Policy", "Identity", "Primitives", "Store", "TestStores"]),
        tests("WebUITests", ["WebUI", "Primitives", "TestKit"]),
        .target(name: "TestStores", dependencies: ["Primitives", "Store", "StoreSQLite", "StorePostgres"],
                path: "Tests/TestStores", swiftSettings: strict),
        tests("PrivateSQLTests", ["PrivateSQL", "Noise", "Tables", "TablesDuckDB", "TablesSpark", "Valve", "Compute", "Store", "TestStores", "Primitives"]),
        tests("PSITests", ["PSI", "Compute", "Trade", "Policy", "Identity", "Curves", "Oblivious", "Primitives", crypto]),
    ]
)
