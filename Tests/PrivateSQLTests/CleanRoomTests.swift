// SPDX-License-Identifier: Apache-2.0

import Noise
import Primitives
import PrivateSQL
import Tables
import Testing

@Suite("Clean room")
struct CleanRoomTests {
    @Test("tells exact figures of groups that are large enough")
    func minimumGroup() async throws {
        let room = try await ClinicRoom()
        let sql = "SELECT district, count(*) AS n, sum(fee) AS fees, avg(age) AS age FROM visits WHERE resp GROUP BY district ORDER BY district"
        let answer = try await room.ask(sql, try ClinicRoom.groups())
        let truth = try await room.truth(sql)
        #expect(answer.rows.count == 4)
        for (row, real) in zip(answer.rows, truth) {
            #expect(row[0].value == real[0] && row[1].value == real[1])
            #expect(row[2].value.approximate == real[2].approximate)
            #expect(abs((row[3].value.approximate ?? 0) - (real[3].approximate ?? 1)) <= 0.005)
        }
        #expect(answer.charge == .none)
    }

    @Test("hides groups of fewer people than the minimum, and keys that nobody published")
    func suppression() async throws {
        let room = try await ClinicRoom(people: 60)
        let byDay = try await room.ask("SELECT day, count(*) AS n FROM visits GROUP BY day", try ClinicRoom.groups())
        #expect(byDay.rows.count == 366)
        #expect(byDay.rows.allSatisfy { $0[1].isSuppressed || ($0[1].value.approximate ?? 0) >= 5 })
        let byAge = try await room.ask("SELECT age, count(*) AS n FROM people GROUP BY age", try ClinicRoom.groups(3))
        let small = try await room.truth("SELECT count(*) FROM (SELECT age FROM people GROUP BY age HAVING count(*) < 3)")
        #expect(small == [[.integer(Int128(byAge.hiddenGroups))]])
    }

    @Test("adds noise whose interval holds the truth, and charges exactly what the rules say")
    func noise() async throws {
        let room = try await ClinicRoom()
        for rules in [try ClinicRoom.laplace(), try ClinicRoom.gaussian()] {
            let answer = try await room.ask(
                "SELECT region, count(*) AS n, sum(income) AS income, avg(age) AS age FROM people GROUP BY region ORDER BY region", rules)
            let truth = try await room.truth(
                "SELECT region, count(*), sum(income), avg(age) FROM people GROUP BY region ORDER BY region")
            #expect(answer.rows.count == 10)
            #expect(answer.charge.epsilonMicros == 1_000_000)
            var inside = 0
            for (row, real) in zip(answer.rows, truth) {
                #expect(row[0].value == real[0])
                for place in 1...3 {
                    let interval = try #require(row[place].interval)
                    let value = try #require(real[place].approximate)
                    if interval.low <= value && value <= interval.high { inside += 1 }
                }
            }
            #expect(inside >= 26, "30 intervals at 95 %")
        }
    }

    @Test("answers the same bytes again for the same plan, versions and seed")
    func replay() async throws {
        let room = try await ClinicRoom(people: 500)
        let sql = "SELECT day, count(*) AS visits FROM visits WHERE resp GROUP BY day"
        let first = try await room.ask(sql, try ClinicRoom.laplace())
        let again = try await room.ask(sql, try ClinicRoom.laplace())
        let other = try await room.ask(sql, try ClinicRoom.laplace(), seed: 2)
        #expect(first.json.canonicalBytes == again.json.canonicalBytes)
        #expect(first.digest != other.digest)
        #expect(first.rows.count == 366)
    }

    @Test("computes on released values as on any small table")
    func finalQuery() async throws {
        let room = try await ClinicRoom()
        let answer = try await room.ask(
            """
            WITH d AS (SELECT district, count(*) AS n, avg(age) AS a FROM visits GROUP BY district),
                 b AS (SELECT district, max(beds) AS beds FROM districts GROUP BY district)
            SELECT d.district, n * 2 AS twice, 100.0 * n / beds AS load FROM d JOIN b USING (district)
            WHERE n > 10 ORDER BY load DESC LIMIT 2
            """, try ClinicRoom.groups(1))
        #expect(answer.columns == ["district", "twice", "load"])
        #expect(answer.rows.count == 2)
        let loads = answer.rows.compactMap { $0[2].value.approximate }
        #expect(loads == loads.sorted(by: >))
    }

    @Test("keeps one person's part within the rules however many rows the person has")
    func bounded() async throws {
        let room = try await ClinicRoom(people: 200)
        try await room.engine.execute("INSERT INTO visits SELECT 7, 'Haidian', DATE '2016-05-05', true, 40, 100 FROM range(100000)")
        let answer = try await room.ask("SELECT district, count(*) AS n, avg(age) AS a FROM visits GROUP BY district ORDER BY 1", try ClinicRoom.laplace("20"))
        for row in answer.rows { #expect((row[1].value.approximate ?? 1e9) < 1000) }
    }

    @Test("chooses quantiles near the true ones")
    func quantiles() async throws {
        let room = try await ClinicRoom(people: 20_000)
        for rules in [try ClinicRoom.laplace(), try ClinicRoom.gaussian(), try ClinicRoom.groups()] {
            let answer = try await room.ask("SELECT median(age) AS m, quantile_cont(income, 0.9) AS q FROM people", rules)
            let truth = try await room.truth("SELECT median(age), quantile_cont(income, 0.9) FROM people")
            let found = answer.rows[0].compactMap { $0.value.approximate }
            let real = truth[0].compactMap(\.approximate)
            #expect(abs(found[0] - real[0]) <= 2)
            #expect(abs(found[1] - real[1]) <= 3000)
        }
    }

    @Test("S100: a counting query gets calibrated noise and a charge that equals what was asked")
    func counting() async throws {
        let room = try await ClinicRoom(people: 1000)
        let rules = try ClinicRoom.laplace("0.5")
        let truth = try await room.truth("SELECT count(*) FROM people WHERE age > 40")
        var errors: [Double] = []
        for seed in UInt8(0)..<200 {
            let answer = try await room.ask("SELECT count(*) AS n FROM people WHERE age > 40", rules, seed: seed)
            #expect(answer.charge.epsilonMicros == 500_000)
            errors.append((answer.rows[0][0].value.approximate ?? 0) - (truth[0][0].approximate ?? 0))
        }
        // Laplace of scale 2 has mean magnitude 2; 200 draws stay within a half of that.
        let mean = errors.reduce(0) { $0 + abs($1) } / 200
        #expect((1.4...2.6).contains(mean))
    }
}
