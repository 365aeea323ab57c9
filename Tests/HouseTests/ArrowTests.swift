// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("The arrows between rooms")
struct ArrowTests {
    private static let manifest = Manifest(text: Checkout.text("Package.swift"))

    /// Which layers a layer may look into (ARCHITECTURE.md). Tests may look into all.
    private static let mayImport: [String: Set<String>] = [
        "Kernels": ["Kernels"],
        "Foundations": ["Kernels", "Foundations"],
        "Adapters": ["Kernels", "Foundations", "Protocols", "Adapters"],
        "City": ["Kernels", "Foundations", "City"],
        "Protocols": ["Kernels", "Foundations", "Protocols"],
        "Stages": ["Kernels", "Foundations", "City", "Protocols", "Stages"],
        "Oversight": ["Kernels", "Foundations", "City", "Protocols", "Stages", "Oversight"],
        "App": ["Kernels", "Foundations", "Adapters", "City", "Protocols", "Stages", "Oversight", "App"],
    ]

    /// The stages in the order of the chain: each may look to its left only.
    private static let chain = ["Collect", "Register", "Publish", "Trade", "Valve", "Deliver", "Compute"]

    /// What comes with the toolchain and needs no line in the manifest.
    private static let toolchain: Set<String> = [
        "Swift", "Foundation", "FoundationEssentials", "FoundationNetworking", "Dispatch", "Synchronization",
        "Glibc", "Musl", "Darwin", "Testing", "RegexBuilder", "PackageDescription", "Android", "WinSDK",
    ]

    @Test("each file imports only rooms that its room's arrows reach, and packages that its own line names")
    func importsAreDeclared() {
        for target in Self.manifest.targets {
            let reached = Self.manifest.reached(from: target).union(Self.toolchain)
            for file in Self.files(of: target) {
                for (module, line) in file.imports where !reached.contains(module) {
                    Issue.record("\(file.path):\(line) imports \(module); Package.swift draws no arrow there")
                }
            }
        }
    }

    @Test("no arrow points up, and a stage sees only the stages before it")
    func arrowsPointDown() {
        let layers = Dictionary(Self.manifest.targets.map { ($0.name, $0.layer) }) { first, _ in first }
        for target in Self.manifest.targets where target.layer != "Tests" {
            for module in target.dependencies.sorted() {
                guard let layer = layers[module] else { continue }  // A package's module.
                if Self.mayImport[target.layer]?.contains(layer) != true {
                    Issue.record("\(target.name) (\(target.layer)) may not import \(module) (\(layer))")
                }
                if let here = Self.chain.firstIndex(of: target.name),
                    let there = Self.chain.firstIndex(of: module),
                    there >= here || (here == Self.chain.count - 1 && there == here - 1)
                {
                    Issue.record(
                        "the stage \(target.name) may not import \(module), which is not to its left"
                    )
                }
            }
        }
    }

    @Test("an adapter is imported by Assembly, the command line, another adapter and tests alone")
    func adaptersStayBehindTheirSeams() {
        let adapters = Set(Self.manifest.targets.filter { $0.layer == "Adapters" }.map(\.name))
        for target in Self.manifest.targets
        where !["Adapters", "Tests"].contains(target.layer) && !["Assembly", "hutong"].contains(target.name) {
            for module in target.dependencies.intersection(adapters).sorted() {
                Issue.record(
                    "\(target.name) imports the adapter \(module); import the room whose seam it fills"
                )
            }
        }
    }

    @Test("docs/dependencies.md says of each package from outside why it is here")
    func dependenciesAreExplained() {
        let ours = Set(Self.manifest.targets.map(\.name))
        let explained = Checkout.text("docs/dependencies.md")
        for target in Self.manifest.targets where target.layer != "Tests" {
            for product in target.dependencies.subtracting(ours).sorted()
            where !explained.contains("`\(product)`") {
                Issue.record("\(target.name) imports \(product); docs/dependencies.md does not name it")
            }
        }
    }

    @Test("no type bears the name of a room, or its module could no longer be named")
    func typesAndRoomsDiffer() {
        let rooms = Set(Self.manifest.targets.map(\.name))
        for file in Checkout.swiftFiles where file.path.hasPrefix("Sources/") {
            let words = file.words()
            for (keyword, name) in zip(words, words.dropFirst())
            where ["struct", "class", "enum", "actor", "protocol"].contains(keyword.text)
                && rooms.contains(name.text)
            {
                Issue.record(
                    "\(file.path):\(file.line(at: name.start)) declares \(name.text), which is a room's name"
                )
            }
        }
    }

    @Test("every folder of sources is a room in the manifest")
    func everyFolderIsARoom() {
        let paths = Self.manifest.targets.map { $0.path + "/" }
        for file in Checkout.swiftFiles where !paths.contains(where: file.path.hasPrefix) {
            Issue.record("\(file.path) belongs to no target of Package.swift")
        }
    }

    private static func files(of target: Manifest.Target) -> [SwiftSource] {
        Checkout.swiftFiles.filter { $0.path.hasPrefix(target.path + "/") }
    }
}
