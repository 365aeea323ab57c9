// SPDX-License-Identifier: Apache-2.0

/// A value that may hold personal data or a secret. It prints `•••`, so that it cannot slip into a log.
package struct Redacted<Value: Sendable>: Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The value itself; each use is a place to look at.
    package let disclosed: Value

    package init(_ value: Value) {
        disclosed = value
    }

    package var description: String { "•••" }
    package var debugDescription: String { "•••" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
