#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Every function of tests/abi/tables/libvmmapi.tsv is in vmmapi.h, with a comment that names the
requests it is made of, or says that it needs none."""
import os
import re
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def comments():
    """Function name -> the comment before it; one may stand before several functions."""
    with open(os.path.join(TOP, "tools/libvmmapi/vmmapi.h"), encoding="ascii") as header:
        text = header.read()
    result, last = {}, ""
    for token in re.findall(r"/\*.*?\*/|^[a-zA-Z].*?;", text, re.S | re.M):
        if token.startswith("/*"):
            last = re.sub(r"\s+", " ", token.replace("\n *", " "))
            continue
        match = re.search(r"\b(v[a-z0-9_]+)\(", token)
        if match and not token.startswith("typedef"):
            result[match.group(1)] = last
    return result


def main():
    known, failed, rows = comments(), 0, 0
    with open(os.path.join(TOP, "tests/abi/tables/libvmmapi.tsv"), encoding="ascii") as table:
        for line in table.read().splitlines()[1:]:
            name, _, requests, _ = line.split("\t")
            rows += 1
            if name not in known:
                print(f"{name} is not in vmmapi.h")
                failed += 1
                continue
            wanted = re.findall(r"\b(?:VMMCTL|VM)_[A-Z0-9_]+", requests)
            missing = [word for word in wanted or ["request"] if word not in known[name]]
            if missing:
                print(f"the comment of {name} does not say {', '.join(missing)}")
                failed += 1
    if rows != 99:
        print(f"the table has {rows} functions")
        failed += 1
    return 1 if failed else 0


sys.exit(main())
