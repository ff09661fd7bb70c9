#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Write the C tables of the error matrix: the requests, from ../abi/tables/ioctls.tsv, and cases.tsv.

usage: gen.py >tables.h

cases.tsv: request, section of the specification, what the case is, argument, outcome, result.
argument, result: OFFSET:TYPE=VALUE ..., the rest 0. TYPE i32, u8, u16, u32, u64: VALUE is a C expression; ptr: rw, ro (zeros), null,
    bad (unmapped), kernel, odd (non-canonical), end8 (eight bytes before what is unmapped); str: text, %20 is a space.
outcome: 0 or an errno; A/B where the specification allows both; STATE=OUTCOME ... where only some states are tried; "-": never.
    An outcome of 0 says at the same time that nothing changes. A destroyed VM answers ENXIO to everything.
The first case of a request is the argument that the other kinds of cases start from.
"""

import csv
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
STATES = ["fresh", "running", "suspended", "dead"]

# Lock classes of section 3.3. Everything else: G.
CLASSES = {
    "A": """VM_RUN VM_RUN_13 VM_GET_REGISTER VM_SET_REGISTER VM_GET_SEGMENT_DESCRIPTOR VM_SET_SEGMENT_DESCRIPTOR VM_GET_REGISTER_SET
        VM_SET_REGISTER_SET VM_INJECT_EXCEPTION VM_GET_CAPABILITY VM_SET_CAPABILITY VM_SET_X2APIC_STATE VM_GLA2GPA VM_GLA2GPA_NOFAULT
        VM_ACTIVATE_CPU VM_SET_INTINFO VM_GET_INTINFO VM_RESTART_INSTRUCTION VM_GET_KERNEMU_DEV VM_SET_KERNEMU_DEV""",
    "B": """VM_ALLOC_MEMSEG VM_ALLOC_MEMSEG_15 VM_ALLOC_MEMSEG_FBSD12 VM_BIND_PPTDEV VM_UNBIND_PPTDEV VM_MMAP_MEMSEG VM_MUNMAP_MEMSEG
        VM_REINIT""",
    "C": "VM_MAP_PPTDEV_MMIO VM_UNMAP_PPTDEV_MMIO VM_SNAPSHOT_REQ VM_SNAPSHOT_REQ_OLD VM_RESTORE_TIME",
    "D": "VM_GET_MEMSEG VM_GET_MEMSEG_15 VM_GET_MEMSEG_FBSD12 VM_MMAP_GETNEXT",
    "E": "VM_STATS VM_STATS_OLD VM_INJECT_NMI VM_LAPIC_IRQ VM_GET_X2APIC_STATE",
    "F": "VM_LAPIC_LOCAL_IRQ VM_SUSPEND_CPU VM_RESUME_CPU",
}
# One word, two names: FreeBSD 15's name for the 14.3 form.
ALIASES = {"VM_ALLOC_MEMSEG_14", "VM_GET_MEMSEG_14"}
DIRECTIONS = {"_IO": (0, False, False), "_IOR": (2, False, True), "_IOW": (1, True, False), "_IOWR": (3, True, True)}


def fail(text):
    sys.exit(f"gen.py: {text}")


def table(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def class_of(name):
    return next((key for key, names in CLASSES.items() if name in names.split()), "G")


def requests():
    rows = {}
    for row in table(os.path.join(HERE, "..", "abi", "tables", "ioctls.tsv")):
        name = row["name"].replace(" (15)", "_15")
        if name in ALIASES or row["group"] != "v":
            continue
        bits, into, out = DIRECTIONS[row["direction"]]
        size = int(row["sizeof (LP64)"])
        linux = bits << 30 | size << 16 | ord("v") << 8 | int(row["number"])
        fbsd = int(re.search(r"cmd=(0x[0-9a-f]+)", row["note"]).group(1), 16)
        rows[name] = f'{{ "{name}", {linux:#x}, {fbsd:#x}, {size}, {int(into)}, {int(out)}, \'{class_of(name)}\', {int("PPT" in name)} }}'
    return rows


def poke(text, where):
    match = re.fullmatch(r"(\d+):(i32|u8|u16|u32|u64|ptr|str)=(\S*)", text)
    if not match:
        fail(f"{where}: what is {text}?")
    offset, kind, value = match.groups()
    if kind == "ptr":
        return f"{{ {offset}, POKE_PTR, PTR_{value.upper()}, NULL }}"
    if kind == "str":
        value = value.replace("%20", " ").replace("\\", "\\\\").replace('"', '\\"')
        return f'{{ {offset}, POKE_STR, 0, "{value}" }}'
    width = {"i32": 4, "u8": 1, "u16": 2, "u32": 4, "u64": 8}[kind]
    return f"{{ {offset}, {width}, (uint64_t)({value}), NULL }}"


def pokes(text, where):
    items = [] if text == "-" else [poke(item, where) for item in text.split(" ")]
    return "{ " + ", ".join(items + ["{ 0, POKE_END, 0, NULL }"]) + " }"


def outcome(text, where):
    either = text.split("/")
    if not all(re.fullmatch(r"0|E[A-Z0-9]+", item) for item in either) or len(either) > 2:
        fail(f"{where}: what is {text}?")
    return "{ " + ", ".join([either[0], either[-1]]) + " }"


def outcomes(text, where):
    if text == "-":
        states = {}
    elif "=" in text:
        states = dict(item.split("=") for item in text.split(" "))
    else:
        states = {state: text for state in STATES}
    if not set(states) <= set(STATES):
        fail(f"{where}: what is {text}?")
    return "{ " + ", ".join(outcome(states[s], where) if s in states else "{ NOT_TRIED, NOT_TRIED }" for s in STATES) + " }"


def main():
    known = requests()
    names = list(known)
    cases = table(os.path.join(HERE, "cases.tsv"))
    print("/* Made by gen.py. */")
    print("static const struct request requests[] = {")
    for row in known.values():
        print(f"\t{row},")
    print("};\n\nstatic const struct field_case field_cases[] = {")
    for number, case in enumerate(cases, 2):
        where = f"cases.tsv:{number}"
        if None in case.values() or case["request"] not in known:
            fail(f"{where}: six columns, the first a request")
        text = case["case"].replace("\\", "\\\\").replace('"', '\\"')
        print(f'\t{{ {names.index(case["request"])}, "{text}", {pokes(case["argument"], where)},')
        print(f'\t  {outcomes(case["outcome"], where)}, {pokes(case["result"], where)} }},')
    print("};")
    missing = set(known) - {case["request"] for case in cases}
    if missing:
        fail(f"cases.tsv: nothing for {', '.join(sorted(missing))}")


main()
