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
            exclude: [], swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, path: "Tests/\(name)", swiftSettings: strict)
}

// What comes from outside; docs/dependencies.md says why each.
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let package = Package(
    name: "hutong",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "hutong", targets: ["hutong"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    ],
    targets: [
        // Kernels: nothing of ours; no I/O, no clock, no Foundation.
        .target(name: "CMerkle", path: "Sources/Kernels/CMerkle", cSettings: [.unsafeFlags(["-O3"])]),
        room("Kernels", "Merkle", ["CMerkle"]),
        room("Kernels", "Noise"),
        // Foundations
        room("Foundations", "Primitives", [crypto]),
        room("Foundations", "Store", ["Primitives"]),
        room("Foundations", "Tables", ["Primitives"]),
        room("Foundations", "Ledger", ["Store"]),
        room("Foundations", "Metering", ["Store"]),
        room("Foundations", "Identity", ["Primitives", "Store", crypto, cryptoExtras]),
        room("Foundations", "Transparency", ["Primitives", "Store", "Identity", "Merkle"]),
        // Adapters: each fills one seam.
        .target(name: "CDuckDB", path: "Sources/Adapters/CDuckDB", linkerSettings: [.linkedLibrary("dl")]),
        room("Adapters", "TablesDuckDB", ["Tables", "Primitives", "CDuckDB"]),
        room("Adapters", "TablesSpark", ["Tables"]),
        .systemLibrary(name: "CSQLite", path: "Sources/Adapters/CSQLite", providers: [.apt(["libsqlite3-dev"])]),
        room("Adapters", "StoreSQLite", ["Store", "CSQLite"]),
        .systemLibrary(name: "CPostgres", path: "Sources/Adapters/CPostgres", providers: [.apt(["libpq-dev"])]),
        room("Adapters", "StorePostgres", ["Store", "CPostgres"]),
        // City
        // Protocols
        room("Protocols", "PrivateSQL", ["Noise", "Tables", "Primitives", crypto]),
        // Stages
        room("Stages", "Trade", ["Ledger", "Metering"]),
        room("Stages", "Valve", ["PrivateSQL", "Store"]),
        // Oversight
        // App
        .target(name: "CTexts", path: "Sources/App/CTexts", cSettings: [.unsafeFlags(["-std=c23"])]),
        room("App", "Wire", ["Primitives", "CTexts", yams]),
        .executableTarget(name: "hutong", dependencies: ["Wire", "Primitives", "Store", "StoreSQLite", "Ledger", "Metering", "Transparency",
                                                         "PrivateSQL", "Tables", "TablesDuckDB", arguments],
                          path: "Sources/App/hutong", swiftSettings: strict),
        // Tests
        tests("PrimitivesTests", ["Primitives"]),
        tests("TransparencyTests", ["Transparency", "Identity", "Merkle", "CMerkle", "Store", "StoreSQLite", "Primitives", crypto]),
        .target(name: "TestStores", dependencies: ["Primitives", "Store", "StoreSQLite", "StorePostgres"],
                path: "Tests/TestStores", swiftSettings: strict),
        tests("StoreTests", ["Primitives", "Store", "StoreSQLite", "TestStores"]),
        tests("LedgerTests", ["Primitives", "Store", "Ledger", "Metering", "Trade", "TestStores"]),
        tests("CollectTests", ["Tables", "TablesDuckDB", "Primitives"]),
        tests("PrivateSQLTests", ["PrivateSQL", "Noise", "Tables", "TablesDuckDB", "TablesSpark", "Valve", "Store", "TestStores", "Primitives"]),
    ]
)
