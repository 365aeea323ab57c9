// SPDX-License-Identifier: Apache-2.0

extension ReleaseRules {
    /// A commented `rules.json` for a table `visits(person, district, day, resp, age)`. Members whose name begins with
    /// `//` are comments: they are part of the digest and nothing else.
    package static let example = """
        {
          "rules": 1,
          "// tables": "Every column has one use; what is not named here does not exist for askers.",
          "tables": {
            "visits": {
              "// unit": "Whose privacy is protected. One person decides at most 2 rows in each of at most 12 groups of an answer.",
              "unit": { "column": "person", "groups": 12, "rowsPerGroup": 2 },
              "columns": {
                "person": "hidden",
                "// district": "A public list of groups: each gets a figure, also where nobody is.",
                "district": { "use": ["filter", "group"], "values": ["Chaoyang", "Dongcheng", "Haidian", "Xicheng"] },
                "// day": "Every day of 2016 is public.",
                "day": { "use": ["filter", "group", "join"], "days": ["2016-01-01", "2016-12-31"] },
                "resp": "filter-only",
                "// age": "Values outside the bounds count as the nearer bound; needed for sums, means and quantiles.",
                "age": { "use": ["filter", "aggregate"], "bounds": [0, 110] }
              }
            }
          },
          "// privacy": "Each question costs 0.5, no matter how many figures it tells; a quarter may cost 8, all questions ever 40.",
          "privacy": {
            "mechanism": "laplace",
            "epsilon": "0.5",
            "delta": "1e-7",
            "period": { "days": 90, "epsilon": "8" },
            "total": "40"
          },
          "purposes": ["public-health"],
          "answers": { "rowsMax": 1000 }
        }
        """
}
