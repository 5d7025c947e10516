"""Prints the line coverage of modules and their files, and fails below a percentage.

Usage: coverage-table.py REPORT PERCENT MODULE...

REPORT is the JSON file that `swift test --show-codecov-path` names.
"""

import json
import os
import sys


def percent(covered, count):
    """The share in percent; a file without a line to run is covered."""
    return 100.0 * covered / count if count else 100.0


def row(name, covered, count):
    """One line of the table."""
    share = f"{percent(covered, count):.2f} %" if count else "not measured"
    print(f"{name:<60} {covered:>7} {count:>7}  {share:>12}")


def files_of(module, files):
    """The files of one module with their lines, worst first: (path, covered, count)."""
    folder = os.path.join(os.getcwd(), "Sources", module) + os.sep
    found = []
    for file in files:
        if file["filename"].startswith(folder):
            lines = file["summary"]["lines"]
            name = os.path.relpath(file["filename"], folder)
            found.append((name, lines["covered"], lines["count"]))
    return sorted(found, key=lambda item: (percent(item[1], item[2]), item[0]))


def main():
    report, at_least, modules = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
    with open(report, encoding="utf-8") as source:
        files = json.load(source)["data"][0]["files"]
    totals = []
    for module in modules:
        found = files_of(module, files)
        covered, count = sum(item[1] for item in found), sum(item[2] for item in found)
        totals.append((module, covered, count))
        print(f"\n{module}")
        for name, lines_covered, lines in found:
            row("  " + name, lines_covered, lines)
    print(f"\n{'Module':<60} {'covered':>7} {'lines':>7}")
    failed = []
    for module, covered, count in totals:
        row(module, covered, count)
        # A module that the report does not know was not measured, which is no success.
        if count == 0 or percent(covered, count) < at_least:
            failed.append(module)
    if failed:
        sys.exit(f"coverage: below {at_least:g} %: {', '.join(failed)}")


if __name__ == "__main__":
    main()
