// SPDX-License-Identifier: Apache-2.0

package import Primitives

extension Problem {
    /// The store is closing or closed.
    package static let storeClosed = Problem(.unavailable, "store.closed")

    /// The waiting line is full; nothing was done.
    package static func writerBusy(waiting: Int) -> Problem {
        Problem(.limited, "store.writer-busy", ["waiting": .integer(Int64(waiting))])
    }

    /// A UNIQUE, CHECK, NOT NULL or foreign key rule refuses the change.
    package static func constraintBroken(_ note: String) -> Problem {
        Problem(.conflict, "store.constraint-broken", operatorNote: note)
    }

    /// The engine does not understand the statement: a defect of ours.
    package static func statementRejected(_ note: String) -> Problem {
        Problem(.fault, "store.statement-rejected", operatorNote: note)
    }

    /// The disk or the engine failed.
    package static func storageFailed(_ note: String) -> Problem {
        Problem(.fault, "store.storage-failed", operatorNote: note)
    }
}
