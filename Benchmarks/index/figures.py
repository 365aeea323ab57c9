# SPDX-License-Identifier: Apache-2.0
"""Turns the two published data sets into declarations, tables and expected results that `hutong index compute` reads.

    figures.py asem FOLDER OUT    FOLDER holds ASEM_iData.rda, ASEM_iMeta.rda, ASEM_COIN.rda (COINr, MIT); needs rdata
    figures.py hdi FILE.csv OUT   UNDP's complete time series of composite indices (CC BY 3.0 IGO)
    figures.py compare RESULT.json EXPECTED.csv DECIMALS

Nothing of either is kept in this repository.
"""
import csv
import json
import sys
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")


def write(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def asem(folder, out):
    import pandas
    import rdata

    def table(name):
        return next(iter(rdata.read_rda(Path(folder) / name).values()))

    meta, data, coin = table("ASEM_iMeta.rda"), table("ASEM_iData.rda"), table("ASEM_COIN.rda")
    missing = pandas.isna
    lines = ["id: asem", "title: ASEM sustainable connectivity", "source: COINr ASEM",
             "missing: groupMean", "groupColumn: EurAsia_group", "treatOutliers: true", "indicators:"]
    for row in meta[meta.Type == "Indicator"].itertuples():
        words = [f"id: {row.iCode}", f"parent: {row.Parent}", f"weight: {row.Weight}", "source: COINr", f'title: "{row.iName}"']
        if row.Direction < 0:
            words.append("cost: true")
        if not missing(row.Denominator):
            words.append(f"denominator: {row.Denominator}")
        lines.append("  - {" + ", ".join(words) + "}")
    lines.append("groups:")
    for row in meta[meta.Type == "Aggregate"].sort_values("Level").itertuples():
        parent = "" if missing(row.Parent) else f"parent: {row.Parent}, "
        lines.append(f'  - {{id: {row.iCode}, {parent}weight: {row.Weight}, title: "{row.iName}"}}')
    Path(out, "asem.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    names = [name for name in data.columns if name not in ("uName", "uCode", "Time")]
    write(Path(out, "asem.csv"), [["unit"] + names] + [
        [row["uCode"]] + ["" if missing(row[name]) else row[name] for name in names] for _, row in data.iterrows()])
    score = coin["Results"]["AggregatesScore"]
    groups = [name for name in score.columns if name not in ("UnitCode", "UnitName", "Rank")]
    write(Path(out, "asem-expected.csv"), [["unit", "rank"] + groups] + [
        [row["UnitCode"], int(row["Rank"])] + [row[name] for name in groups] for _, row in score.iterrows()])


def hdi(source, out):
    with open(source, encoding="utf-8-sig", errors="replace", newline="") as file:
        rows = list(csv.DictReader(file))
    table, expected = [["unit", "year", "le", "eys", "mys", "gnipc"]], [["unit", "hdi"]]
    for row in rows:
        if row["iso3"].startswith("ZZ"):
            continue
        for year in range(1990, 2023):
            cells = [row.get(f"{name}_{year}", "") for name in ("le", "eys", "mys", "gnipc", "hdi")]
            if all(cells):
                unit = f"{row['iso3']} {year}"
                table.append([unit, year] + cells[:4])
                expected.append([unit, cells[4]])
    write(Path(out, "hdi.csv"), table)
    write(Path(out, "hdi-expected.csv"), expected)


def compare(result, expected, decimals):
    """Prints how many published cells and ranks come out, and ends with 1 unless all do."""
    lines = {line["unit"]: line for line in json.load(open(result, encoding="utf-8"))}
    cells = equal = ranks = right = 0
    with open(expected, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            line = lines[row.pop("unit")]
            if "rank" in row:
                ranks += 1
                right += int(row.pop("rank")) == line["rank"]
            for name, value in row.items():
                cells += 1
                equal += abs(line["scores"][name] - float(value)) <= 0.5000001 * 10 ** -decimals
    print(f"{equal} of {cells} published cells" + (f", {right} of {ranks} ranks" if ranks else ""))
    return equal == cells and right == ranks


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["asem", folder, out]:
            asem(folder, out)
        case ["hdi", source, out]:
            hdi(source, out)
        case ["compare", result, expected, decimals]:
            sys.exit(0 if compare(result, expected, int(decimals)) else 1)
        case _:
            sys.exit(__doc__)
