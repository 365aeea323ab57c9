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
        .target(name: "CScan", path: "Sources/Kernels/CScan", cSettings: [.unsafeFlags(["-O3"])]),
        room("Kernels", "Scan", ["CScan"]),
        .target(name: "CAES", path: "Sources/Kernels/CAES", cSettings: [.unsafeFlags(["-O3"])]),
        room("Kernels", "FormatPreserving", ["CAES"]),
        // Foundations
        room("Foundations", "Primitives", [crypto]),
        room("Foundations", "Store", ["Primitives"]),
        room("Foundations", "Tables", ["Primitives", crypto]),
        room("Foundations", "Identity", ["Primitives", "Store", crypto, cryptoExtras]),
        room("Foundations", "Transparency", ["Primitives", "Store", "Identity", "Merkle"]),
        room("Foundations", "Casework", ["Store", "Primitives"]),
        // Adapters: each fills one seam.
        .target(name: "CDuckDB", path: "Sources/Adapters/CDuckDB", linkerSettings: [.linkedLibrary("dl")]),
        room("Adapters", "TablesDuckDB", ["Tables", "Primitives", "CDuckDB"]),
        .systemLibrary(name: "CSQLite", path: "Sources/Adapters/CSQLite", providers: [.apt(["libsqlite3-dev"])]),
        room("Adapters", "StoreSQLite", ["Store", "CSQLite"]),
        // City
        room("City", "Classification", ["Scan", "Primitives"]),
        // Protocols
        // Stages
        room("Stages", "Collect", ["Tables", "Store", "Transparency", "Classification", "Scan", "FormatPreserving", "Identity", "Primitives", crypto]),
        // Oversight
        // App
        .target(name: "CTexts", path: "Sources/App/CTexts", cSettings: [.unsafeFlags(["-std=c23"])]),
        room("App", "Wire", ["Primitives", "CTexts", yams]),
        .executableTarget(name: "hutong", dependencies: ["Wire", "Primitives", "Tables", "TablesDuckDB", "Collect", "Classification", "Scan", arguments, yams],
                          path: "Sources/App/hutong", swiftSettings: strict),
        // Tests
        tests("PrimitivesTests", ["Primitives"]),
        tests("CollectTests", ["Collect", "FormatPreserving", "Classification", "Scan", "Tables", "TablesDuckDB", "Store", "StoreSQLite", "Transparency", "Identity", "Primitives", yams]),
        tests("TransparencyTests", ["Transparency", "Identity", "Merkle", "CMerkle", "Store", "StoreSQLite", "Primitives", crypto]),
        tests("StoreTests", ["Store", "StoreSQLite"]),
        tests("CaseworkTests", ["Casework", "Store", "Primitives"]),
    ]
)
