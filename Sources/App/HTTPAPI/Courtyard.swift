// SPDX-License-Identifier: Apache-2.0

package import Compute
package import Deliver
package import Identity
package import Lane
package import Packs
import Primitives
package import Register
import Store
package import Tables
package import Trade
package import Transparency
package import Valve

/// The services of one node, as its doors see them. Assembly builds it; nothing here decides anything.
package struct Courtyard: Sendable {
    package let name: String
    package let version: String
    package let isExchange: Bool
    /// Where others reach this node; an invitation carries it.
    package let publicURL: @Sendable () -> String
    package let context: StageContext
    package let assets: AssetService
    package let registrations: RegistrationService
    package let market: MarketService
    package let valve: DataValve
    package let compute: ComputeService
    package let delivery: DeliveryService
    package let budget: any BudgetKeeper
    package let publisher: LogPublisher
    package let logFiles: LogEndpoints
    package let mailbox: Mailbox
    package let outside: any OutsideCaller
    /// How peers reach this node: told when it joins.
    package let ownAddress: @Sendable () -> Party.Address
    package let engines: any TableEngineFactory
    /// Where uploads are staged, and where versions lie.
    package let inbox: String
    package let objects: String
    package let metrics: MetricsText
    /// Set while the protocol's conformance kit runs against this node.
    package var conformance: ConformanceDoor?
    package let packs: PackService

    package init(
        name: String, version: String, isExchange: Bool, publicURL: @escaping @Sendable () -> String,
        context: StageContext, assets: AssetService, registrations: RegistrationService,
        market: MarketService,
        valve: DataValve, compute: ComputeService, delivery: DeliveryService, budget: any BudgetKeeper,
        publisher: LogPublisher,
        logFiles: LogEndpoints, mailbox: Mailbox, outside: any OutsideCaller,
        ownAddress: @escaping @Sendable () -> Party.Address, engines: any TableEngineFactory, inbox: String,
        objects: String,
        metrics: MetricsText
    ) {
        self.name = name
        self.version = version
        self.isExchange = isExchange
        self.publicURL = publicURL
        self.context = context
        self.assets = assets
        self.registrations = registrations
        self.market = market
        self.valve = valve
        self.compute = compute
        self.delivery = delivery
        self.budget = budget
        self.publisher = publisher
        self.logFiles = logFiles
        self.mailbox = mailbox
        self.outside = outside
        self.ownAddress = ownAddress
        self.engines = engines
        self.inbox = inbox
        self.objects = objects
        self.metrics = metrics
        let grants = GrantDesk(context: context, market: market)
        packs = PackService(context: context) { record, file, transaction throws(Problem) in
            try grants.follow(record, file, in: transaction)
        }
    }

    var store: any DataStore { context.store }
}
