// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// When answers and refusals leave a holder: at whole steps after the question came, so that how long the rows took
/// is told to the step and no finer (docs/clean-room.md §8).
package struct ReleaseGrid: Sendable {
    package let step: Duration
    let pause: @Sendable (Duration) async -> Void

    package init(step: Duration, pause: @escaping @Sendable (Duration) async -> Void) {
        precondition(step > .zero, "a grid has steps")
        self.step = step
        self.pause = pause
    }

    /// 50 ms. A cancelled wait ends early: nobody is there any more to measure it.
    package static let standard = ReleaseGrid(step: .milliseconds(50)) { try? await Task.sleep(for: $0) }

    /// How long something that took this long must still wait: nothing at a step, else the rest of it.
    package func rest(after elapsed: Duration) -> Duration {
        let (step, elapsed) = (step.wholeMicroseconds, max(0, elapsed.wholeMicroseconds))
        let past = elapsed % step
        return past == 0 ? .zero : .microseconds(step - past)
    }

    /// Runs the work and holds its outcome, a refusal no less than an answer, until the grid's next step.
    package func release<Value: Sendable>(
        _ clock: WallClock, _ work: () async throws(Problem) -> Value
    ) async throws(Problem) -> Value {
        let came = clock.now()
        let outcome: Result<Value, Problem>
        do throws(Problem) { outcome = .success(try await work()) } catch { outcome = .failure(error) }
        await pause(rest(after: clock.now().duration(since: came)))
        return try outcome.get()
    }
}
