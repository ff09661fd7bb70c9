#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Check coverage.tsv: which test proves which rule of the specification.

usage: coverage.py

coverage.tsv: section, or request; rule; proof; remark.
proof: SUITE:NAME ..., each of which has to be there, or "not observable" (the remark says why), or "chosen" (the specification is silent: the remark
    says the rule, SUITE:NAMEs behind it prove it).
Every section of sections.tsv and every request of ../abi/tables/ioctls.tsv has to have a row. Prints what is missing, and the counts.
"""

import csv
import glob
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
# Where a suite's names are to be found, and what they look like there.
SUITES = {
    "conformance": ("tests/conformance/s*.c", r"^TEST(?:_TIMED)?\((\w+)"),
    "guest": ("tests/guest/t_*.c", r"^TEST(?:_TIMED)?\((\w+)"),
    "host": ("tests/host/t_*.sh", r"^test_(\w+)\(\)"),
    "kunit": ("kunit/*.c", r"KUNIT_CASE(?:_SLOW)?\((\w+)"),
    "x86rules": ("tests/x86rules/*.c", r"KUNIT_CASE(?:_SLOW)?\((\w+)"),
    "legacy": ("tests/dev/legacy/*.c", r"KUNIT_CASE(?:_SLOW)?\((\w+)"),
    "apic": ("tests/dev/apic/*.c", r"^\t\{ \"[^\"]+\", (\w+) \}"),
    "snapshot": ("tests/snapshot/records.c", r"^static void (test_\w+)\("),
    "tools": ("tools/tests/test_*.c", r"^static void (test_\w+)\("),
    # Cases of requests (the request), and kinds of cases (the function that makes them).
    "matrix": ("tests/conformance/matrix.c", r"^static void (try_\w+)\("),
    # Whole programs.
    "run": ("tests/*/run.sh", None),
}


def table(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def names():
    found = set()
    for suite, (pattern, expression) in SUITES.items():
        for path in glob.glob(os.path.join(ROOT, pattern)):
            if expression is None:
                found.add(f"{suite}:{os.path.basename(os.path.dirname(path))}")
                continue
            with open(path, encoding="utf-8") as file:
                found.update(f"{suite}:{name}" for name in re.findall(expression, file.read(), re.MULTILINE))
    found.update(f"matrix:{row['request']}" for row in table(os.path.join(HERE, "cases.tsv")))
    return found


def problem(row, known):
    """What is wrong with a row, or None."""
    if None in row.values() or None in row:
        return "four columns"
    words = row["proof"].split(" ")
    if row["proof"] == "not observable" or words[0] == "chosen":
        if row["remark"] in ("", "-"):
            return "a reason is needed"
        words = words[1:] if words[0] == "chosen" else []
    elif not words[0]:
        return "no proof"
    absent = [word for word in words if word not in known]
    return f"there is no {' '.join(absent)}" if absent else None


def main():
    known = names()
    rows = table(os.path.join(HERE, "coverage.tsv"))
    wanted = [row["section"] for row in table(os.path.join(HERE, "sections.tsv"))]
    wanted += [row["name"] for row in table(os.path.join(ROOT, "tests", "abi", "tables", "ioctls.tsv"))]
    passed = failed = 0
    for number, row in enumerate(rows, 2):
        what = problem(row, known)
        if row["section"] not in wanted:
            what = "neither a section nor a request"
        if what:
            print(f"not ok coverage.tsv:{number}: {what}")
            failed += 1
        else:
            passed += 1
    for section in wanted:
        if section in {row["section"] for row in rows}:
            passed += 1
        else:
            print(f"not ok coverage.tsv: nothing for {section}")
            failed += 1
    own = {name for name in known if name.startswith("conformance:")} - {word for row in rows for word in row["proof"].split(" ")}
    for name in sorted(own):
        print(f"not ok coverage.tsv: {name} proves nothing")
        failed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
