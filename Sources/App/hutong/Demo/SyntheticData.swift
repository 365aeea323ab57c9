// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives

/// The demonstration's made-up tables. Seeded: two runs write the same bytes. Called synthetic wherever they show.
enum SyntheticData {
    /// Respiratory visits a day for each µg/m³ of PM2.5: what the joined question has to find again.
    static let plantedEffect = 0.2
    private static let visitsWithoutSmog = 20.0
    private static let otherVisits = 25.0

    static let districts = [
        "110101 Dongcheng", "110102 Xicheng", "110105 Chaoyang", "110106 Fengtai", "110107 Shijingshan",
        "110108 Haidian",
    ]

    // MARK: Air

    /// Hourly air of two stations over sixty days in the columns of the real files, a few hundred kilobytes.
    static func writeAir(to folder: String) throws -> [String] {
        var random = SeededRandom(seed: 2013)
        return try ["SyntheticNorth", "SyntheticSouth"].map { station in
            var text = "No,year,month,day,hour,PM2.5,PM10,SO2,NO2,CO,O3,TEMP,PRES,DEWP,RAIN,wd,WSPM,station\n"
            let first = CalendarDay(year: 2013, month: 3, day: 1)?.daysSince1970 ?? 0
            for hour in 0..<(120 * 24) {
                let day = CalendarDay(daysSince1970: first + hour / 24)
                let wave =
                    80 + 60 * sin(Double(hour / 24) / 4.5) + 20 * Double.random(in: -1...1, using: &random)
                let pm = max(3, Int(wave))
                let value = hour % 97 == 0 ? "NA" : String(pm)
                text +=
                    "\(hour + 1),\(day.year),\(day.month),\(day.day),\(hour % 24),\(value),\(pm + 21),11,44,900,51,"
                text += "\(Int.random(in: -5...30, using: &random)).4,1012.5,-3.1,0.0,NNW,1.8,\(station)\n"
            }
            return try write(text, folder + "/synthetic-air-\(station).csv")
        }
    }

    // MARK: Visits

    /// Visits to a hospital, with the planted effect: a person code, district, day, ICD-10 chapter J or not, age
    /// band. `air` is the mean PM2.5 of each day.
    static func writeVisits(air: [(day: CalendarDay, pm: Double)], to folder: String) throws -> String {
        var random = SeededRandom(seed: 1952)
        var text = "person,district,day,resp,age_band\n"
        for (day, pm) in air {
            let ill = poisson(visitsWithoutSmog + plantedEffect * pm, &random)
            let others = poisson(otherVisits, &random)
            for visit in 0..<(ill + others) {
                let person = personCode(Int.random(in: 0..<90_000, using: &random))
                let district = districts[Int.random(in: 0..<districts.count, using: &random)]
                let age = ["0-14", "15-44", "45-64", "65+"][Int.random(in: 0..<4, using: &random)]
                text += "\(person),\(district),\(day),\(visit < ill ? 1 : 0),\(age)\n"
            }
        }
        return try write(text, folder + "/synthetic-visits.csv")
    }

    // MARK: Clients

    /// Whom a community-care service looks after: person code and district. Some have been to the hospital.
    static func writeClients(_ count: Int, to folder: String) throws -> String {
        var random = SeededRandom(seed: 1978)
        let people = (0..<90_000).shuffled(using: &random).prefix(count).map(personCode)
        let lines = people.map { person in
            "\(person),\(districts[Int.random(in: 0..<districts.count, using: &random)])"
        }
        return try write(
            "person,district\n" + lines.joined(separator: "\n") + "\n", folder + "/synthetic-clients.csv")
    }

    /// A pseudonym. Long enough that it stands in no base-64 text by chance: of seven characters one of many thousands
    /// would be found in some megabytes every few runs.
    private static func personCode(_ number: Int) -> String { "P" + Decimal10.padded(number, 10) }

    /// Knuth's product method; the means here are below 200.
    private static func poisson(_ mean: Double, _ random: inout SeededRandom) -> Int {
        let limit = exp(-mean)
        var product = Double.random(in: 0..<1, using: &random)
        var count = 0
        while product > limit {
            count += 1
            product *= Double.random(in: 0..<1, using: &random)
        }
        return count
    }

    private static func write(_ text: String, _ path: String) throws -> String {
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }
}
