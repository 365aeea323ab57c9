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
        // Foundations
        room("Foundations", "Primitives", [crypto]),
        room("Foundations", "Store", ["Primitives"]),
        room("Foundations", "Rules", ["Primitives"]),
        room("Foundations", "Casework", ["Store", "Primitives"]),
        room("Foundations", "Lists", ["Store", "Primitives"]),
        // Adapters: each fills one seam.
        // City
        // Protocols
        // Stages
        // Oversight
        room("Oversight", "Measure", ["Rules", "Primitives"]),
        room("Oversight", "Packs", ["Casework", "Lists", "Measure", "Rules", "Primitives", yams]),
        // App
        .target(name: "CTexts", path: "Sources/App/CTexts", cSettings: [.unsafeFlags(["-std=c23"])]),
        room("App", "Wire", ["Primitives", "CTexts", yams]),
        .executableTarget(name: "hutong", dependencies: ["Wire", "Primitives", "Rules", "Packs", "Measure", arguments],
                          path: "Sources/App/hutong", swiftSettings: strict),
        // Tests
        tests("PrimitivesTests", ["Primitives"]),
        tests("PacksTests", ["Packs", "Measure", "Rules", "Lists", "Casework", "Primitives"]),
        tests("RulesTests", ["Rules", "Primitives"]),
        tests("CaseworkTests", ["Casework", "Store", "Primitives"]),
    ]
)
