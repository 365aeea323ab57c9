// SPDX-License-Identifier: Apache-2.0

private import Collect
import Primitives
import Register
import Tables

extension Node {
    /// The service of deliveries and assets. Nothing is being taken in yet, so that what a crash left between a file and
    /// its commit can go: version files nobody names, uploads of yesterday.
    static func assets(
        _ context: StageContext, _ engines: any TableEngineFactory, _ data: String
    ) async throws(Problem) -> AssetService {
        let assets = AssetService(context: context, engines: engines, objects: data + "/objects")
        _ = try await assets.sweep()
        _ = OrphanFiles(folder: data + "/inbox").removeUploads(
            olderThan: .seconds(86_400), at: context.clock.now())
        return assets
    }
}
