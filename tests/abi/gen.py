#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Write a C program that compares the headers of uapi/ with the tables.

usage: gen.py program|assert UAPI

program: a program that compares everything and prints one line for each difference.
assert:  the same comparisons, as far as they are constant, as static assertions, for C++, freestanding
         code and the kernel, where no such program can run.

A row that is not understood becomes a failed check, never a silent pass. Rows that the headers have
nothing for are named one by one in skipped.tsv.
"""

import csv
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))

# Rows of enums.tsv whose name is not the name in the headers, and what to compare instead.
EXPRESSIONS = {
    ("intinfo bits", "VM_INTINFO_VECTOR mask"): "VM_INTINFO_VECTOR(-1LL)",
    ("limits", "CPU_SETSIZE/MAXCPU (amd64 14.x)"): "CPU_SETSIZE",
    ("FreeBSD ioctl encoding", "IOCPARM size mask"): "VMM_FBSD_IOCPARM_MASK",
    ("FreeBSD ioctl encoding", "IOC_VOID"): "VMM_FBSD_IOC_VOID",
    ("FreeBSD ioctl encoding", "IOC_OUT"): "VMM_FBSD_IOC_OUT",
    ("FreeBSD ioctl encoding", "IOC_IN"): "VMM_FBSD_IOC_IN",
    ("FreeBSD ioctl encoding", "IOC_INOUT"): "VMM_FBSD_IOC_INOUT",
}
# Names that exist in hosted programs only.
HOSTED_ONLY = {"CPU_SETSIZE", "PROT_READ", "PROT_WRITE", "PROT_EXEC"}

# Groups of enums.tsv that are C enumerations, and those that are macros or unnamed enumerations.
ENUMERATIONS = {
    "vm_suspend_how", "vm_reg_name", "x2apic_state", "vm_cap_type", "vm_intr_trigger", "vm_cpu_mode",
    "vm_paging_mode", "vm_exitcode", "task_switch_reason", "snapshot_req", "vm_snapshot_op",
}
CONSTANTS = {
    "intinfo bits", "limits", "vm_memmap.flags", "vm_memmap.prot, gla2gpa.prot, paging.fault_type",
    "vm_cpuset.which", "segid (14.3, libvmmapi)", "segid (15)", "vm_suspend_how (15)",
    "APIC delivery mode (u.ipi.mode)", "LVT index (VM_LAPIC_LOCAL_IRQ vector)", "FreeBSD ioctl encoding",
    "reserved ioctl numbers", "vmmctl_vm_create.flags (15 and later)",
}

# FreeBSD's name for the number of a request, where it is not IOCNUM_ and the request's name.
IOCNUMS = {"STATS": "VM_STATS", "STAT_DESC": "VM_STAT_DESC"}
# Requests that are other forms of a number, and requests without a name for their number.
FORMS = re.compile(r"(_13|_14|_15|_OLD|_FBSD12)$")
# One word, two names: FreeBSD 15's name for the 14.3 form.
ALIASES = {"VM_ALLOC_MEMSEG_14": "VM_ALLOC_MEMSEG", "VM_GET_MEMSEG_14": "VM_GET_MEMSEG"}

# What semantics.md gives in words: (section, C expression, value).
WORDS = [
    ("6.3", "SEG_DESC_TYPE(0xffffffffU)", 0x1f),
    ("6.3", "SEG_DESC_TYPE(0x0000001aU)", 0x1a),
    ("6.3", "SEG_DESC_DPL(0x00000060U)", 3),
    ("6.3", "SEG_DESC_DPL(~0x00000060U)", 0),
    ("6.3", "SEG_DESC_PRESENT(0x00000080U)", 1),
    ("6.3", "SEG_DESC_PRESENT(~0x00000080U)", 0),
    ("6.3", "SEG_DESC_DEF32(0x00004000U)", 1),
    ("6.3", "SEG_DESC_DEF32(~0x00004000U)", 0),
    ("6.3", "SEG_DESC_GRANULARITY(0x00008000U)", 1),
    ("6.3", "SEG_DESC_GRANULARITY(~0x00008000U)", 0),
    ("6.3", "SEG_DESC_UNUSABLE(0x00010000U)", 1),
    ("6.3", "SEG_DESC_UNUSABLE(~0x00010000U)", 0),
    ("5.2", "VM_PROT_NONE", 0),
    ("5.2", "VM_PROT_ALL", 7),
]

DIRECTIONS = {
    "_IO": ("_IOC_NONE", "VMM_FBSD_IOC_VOID"),
    "_IOR": ("_IOC_READ", "VMM_FBSD_IOC_OUT"),
    "_IOW": ("_IOC_WRITE", "VMM_FBSD_IOC_IN"),
    "_IOWR": ("_IOC_READ | _IOC_WRITE", "VMM_FBSD_IOC_INOUT"),
}


class Row(dict):
    """A row of a table; knows its table and line."""

    def __init__(self, table, line, cells):
        super().__init__(cells)
        self.table = table
        self.where = f"{table}.tsv:{line}"


class Checks:
    """What the program will compare."""

    def __init__(self):
        self.equal = []      # (label, C expression, C expression, contexts)
        self.types = []      # (label, type name, type name)
        self.bits = []       # (label, struct, field, first bit, bits)
        self.broken = []     # labels of what was not understood
        self.words = []      # (name, C expression): no two names may have one word
        self.skipped = []    # (row, reason)

    def eq(self, row, what, actual, expected, hosted_only=False):
        self.equal.append((f"{row.where} {what}", actual, expected, hosted_only))

    def not_understood(self, row, why):
        self.broken.append(f"{row.where} not understood: {why}")


def read_table(name, folder=os.path.join(HERE, "tables")):
    with open(os.path.join(folder, name + ".tsv"), encoding="utf-8") as f:
        reader = csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [Row(name, reader.line_num, cells) for cells in reader]


def number(text):
    """The value of a cell such as 0x1f or 12, else None."""
    return int(text, 0) if re.fullmatch(r"0x[0-9a-fA-F]+|\d+", text) else None


def literal(value):
    return f"{value:#x}LL" if value > 9 else f"{value}LL"


# ---------------------------------------------------------------------------------------- structs.tsv

def struct_name(name):
    """In the kernel and in freestanding code, timeval is vmm_timeval; in programs both are one."""
    return "struct vmm_timeval" if name == "timeval" else f"struct {name}"


def check_scalar_type(checks, row):
    name = "vmm_time_t" if row["struct"] == "time_t" else row["struct"]
    checks.eq(row, f"sizeof {name}", f"sizeof({name})", row["size"])
    if re.fullmatch(r"u?int\d+_t", row["type"]):
        checks.eq(row, f"{name} signed", f"({name})-1 < ({name})1", "0" if row["type"][0] == "u" else "1")
    else:
        bits = re.fullmatch(r"bitset(?: of (\d+))?", row["type"])
        if not bits:
            checks.not_understood(row, row["type"])
        elif bits[1]:
            checks.eq(row, f"bits of {name}", f"8 * sizeof({name})", bits[1])


def check_bit_field(checks, row, match):
    where = re.match(r"bit (\d) of that byte", row["note"])
    if not where or row["size"] != f"{match[2]} bits":
        checks.not_understood(row, "bit-field without its place")
        return
    first = int(row["offset"]) * 8 + int(where[1])
    label = f"{row.where} {row['struct']}.{row['field']} bits"
    checks.bits.append((label, struct_name(row["struct"]), row["field"], first, int(match[2])))


def check_field(checks, row):
    struct, field, kind = struct_name(row["struct"]), row["field"], row["type"]
    match = re.fullmatch(r"(\w+) bitfield (\d+)", kind)
    if match:
        check_bit_field(checks, row, match)
        return
    label = f"{row['struct']}.{field}"
    checks.eq(row, f"{label} offset", f"offsetof({struct}, {field})", row["offset"])
    checks.eq(row, f"{label} size", f"sizeof((({struct} *)0)->{field})", row["size"])
    if kind in ("union", "anonymous struct") or kind.startswith("BITSET of "):
        return
    if not re.fullmatch(r"(const )?((struct|enum|unsigned) )?\w+( \*|\[[\w+]+\])?", kind):
        checks.not_understood(row, kind)
        return
    checks.types.append((f"{row.where} {label} type", f"__typeof__((({struct} *)0)->{field})",
                         f"__typeof__({kind})"))


# FreeBSD's, and those that only Linux has
STRUCT_TABLES = ("structs", "linux_structs")


def check_structs(checks):
    for row in (row for table in STRUCT_TABLES for row in read_table(table)):
        whole = row["field"] in ("(struct)", "(type)")
        if None in row.values() or number(row["offset"]) is None or (whole and row["offset"] != "0"):
            checks.not_understood(row, "cells")
        elif row["field"] == "(type)":
            check_scalar_type(checks, row)
        elif number(row["size"]) is None and "bitfield" not in row["type"]:
            checks.not_understood(row, row["size"])
        elif row["field"] == "(struct)":
            name = struct_name(row["struct"])
            checks.eq(row, f"sizeof {name}", f"sizeof({name})", row["size"])
        else:
            check_field(checks, row)


# ------------------------------------------------------------------------------------------ enums.tsv

def check_raw_register(checks, row):
    """VMCS_IDENT() and VMCB_ACCESS(): negative numbers, over samples of their whole range."""
    if row["name"] == "VMCS_IDENT(encoding)" and row["value"] == "0x80000000|encoding":
        for encoding in (0, 1, 0x681e, 0x6c16, 0x7fff, 0xffff):
            checks.eq(row, f"VMCS_IDENT({encoding:#x})", f"VMCS_IDENT({encoding:#x})",
                      literal_int(0x80000000 | encoding))
    elif (row["name"] == "VMCB_ACCESS(offset,width)"
          and row["value"] == "0x80000000|((width&0xf)<<16)|(offset&0xfff)"):
        for offset in (0, 8, 0x58, 0x5d8, 0xfff, 0x1001):
            for width in (1, 2, 4, 8, 17):
                expected = 0x80000000 | (width & 0xf) << 16 | offset & 0xfff
                checks.eq(row, f"VMCB_ACCESS({offset:#x}, {width})", f"VMCB_ACCESS({offset:#x}, {width})",
                          literal_int(expected))
    else:
        checks.not_understood(row, row["name"])


def literal_int(bits):
    """The value of a 32-bit int with these bits."""
    return f"{bits - (1 << 32) if bits >> 31 else bits}LL"


def check_encoding(checks, row):
    """Where FreeBSD's request words keep group and number."""
    if row["name"] == "group byte" and row["value"] == "bits 8-15" and row["meaning"] == "0x76 = v, 0x56 = V":
        checks.eq(row, "'v'", "'v'", "0x76")
        checks.eq(row, "'V'", "'V'", "0x56")
        checks.eq(row, "VMM_FBSD_IOC_GROUP", "VMM_FBSD_IOC_GROUP(0x12345678)", "0x56")
    elif row["name"] == "number byte" and row["value"] == "bits 0-7":
        checks.eq(row, "VMM_FBSD_IOC_NR", "VMM_FBSD_IOC_NR(0x12345678)", "0x78")
    else:
        checks.not_understood(row, row["name"])


def constant_names(row):
    """The names in the headers for a row: PROT_READ / VM_PROT_READ are two, FreeBSD 15's end in _15."""
    group, name = row["enum"], row["name"]
    if (group, name) in EXPRESSIONS:
        return [EXPRESSIONS[group, name]]
    if name.endswith(" (14.3)") or name.endswith(" (14.x)"):
        name = name[:-7]
    if name.endswith(" (15)"):
        name = name[:-5] + "_15"
    elif group.endswith("(15)"):
        name += "_15"
    names = name.split(" / ")
    return names if all(re.fullmatch(r"[A-Z]\w+", n) for n in names) else []


def check_constant(checks, row):
    value, names = number(row["value"]), constant_names(row)
    if value is None or not names:
        checks.not_understood(row, f"{row['name']} = {row['value']}")
        return
    for name in names:
        checks.eq(row, name, name, literal(value), name in HOSTED_ONLY)
    if row["enum"] in ENUMERATIONS:
        checks.eq(row, f"sizeof enum {row['enum']}", f"sizeof(enum {row['enum']})", "4")


def check_enums(checks):
    skipped = {(row["group"], row["name"]): row for row in read_table("skipped", HERE)}
    for row in read_table("enums"):
        skip = skipped.pop((row["enum"], row["name"]), None)
        if None in row.values():
            checks.not_understood(row, "cells")
        elif skip:
            checks.skipped.append((row, skip["reason"]))
        elif row["enum"] == "vm_reg_name (raw)":
            check_raw_register(checks, row)
        elif row["enum"] == "FreeBSD ioctl encoding" and row["name"].endswith(" byte"):
            check_encoding(checks, row)
        elif row["enum"] in ENUMERATIONS | CONSTANTS:
            check_constant(checks, row)
        else:
            checks.not_understood(row, row["enum"])
    for row in skipped.values():
        checks.not_understood(row, f"no row {row['name']!r} to skip")


# ----------------------------------------------------------------------------------------- ioctls.tsv

def check_request(checks, row, reserved):
    name = re.sub(r" \(15\)$", "_15", row["name"])
    word = re.match(r"cmd=(0x[0-9a-f]{8})(;|$)", row["note"])
    size, nr = number(row["sizeof (LP64)"]), number(row["number"])
    if (not re.fullmatch(r"VM(MCTL)?_\w+", name) or not word or size is None or nr is None
            or row["direction"] not in DIRECTIONS or row["group"] not in ("v", "V")):
        checks.not_understood(row, row["name"])
        return None
    linux_dir, freebsd_dir = DIRECTIONS[row["direction"]]
    freebsd, group = f"VMM_FBSD_{name}", f"'{row['group']}'"
    checks.eq(row, f"{name} direction", f"_IOC_DIR({name})", linux_dir)
    checks.eq(row, f"{name} group", f"_IOC_TYPE({name})", group)
    checks.eq(row, f"{name} number", f"_IOC_NR({name})", str(nr))
    checks.eq(row, f"{name} size", f"_IOC_SIZE({name})", str(size))
    if row["argument type"] == "none":
        checks.eq(row, f"{name} has no argument", "0", str(size))
    else:
        checks.eq(row, f"{name} argument", f"sizeof({row['argument type']})", str(size))
    checks.eq(row, f"{freebsd} word", freebsd, word[1])
    checks.eq(row, f"{freebsd} direction", f"{freebsd} & 0xe0000000U", freebsd_dir)
    checks.eq(row, f"{freebsd} size", f"VMM_FBSD_IOC_SIZE({freebsd})", str(size))
    checks.eq(row, f"{freebsd} group", f"VMM_FBSD_IOC_GROUP({freebsd})", group)
    checks.eq(row, f"{freebsd} number", f"VMM_FBSD_IOC_NR({freebsd})", str(nr))
    if row["group"] == "v":
        checks.eq(row, f"{name} number is not a reserved one", str(int(nr in reserved)), "0")
        if not FORMS.search(name):
            short = name[len("VM_"):]
            checks.eq(row, f"number of {name}", f"IOCNUM_{IOCNUMS.get(short, short)}", str(nr))
    if name not in ALIASES:
        checks.words += [(name, name), (name, freebsd)]
    return name


def check_requests(checks):
    """All rows; returns the rows by the request's name in the headers."""
    reserved = {number(r["value"]) for r in read_table("enums") if r["enum"] == "reserved ioctl numbers"}
    return {check_request(checks, row, reserved): row for row in read_table("ioctls")}


def check_linux_requests(checks):
    """Requests that only Linux has; returns their names."""
    rows = read_table("linux_ioctls")
    for row in rows:
        checks.eq(row, f"{row['request']} word", row["request"], f"_IO(0xD6, {row['number']})")
        checks.eq(row, f"{row['request']} argument", f"sizeof({row['argument type']}) >= 8", "1")
        checks.words.append((row["request"], row["request"]))
    return {row["request"] for row in rows}


# ------------------------------------------------------------------------------------ the other way

HEADERS = ("machine/vmm_types.h", "machine/vmm.h", "machine/vmm_dev.h", "machine/vmm_snapshot.h",
           "machine/vmm_compat.h", "vmm_linux.h")
# Requests and their FreeBSD words; structs.
REQUEST = re.compile(r"^#define\s+(?:VMM_FBSD_)?(VM_\w+|VMMCTL_VM_\w+)[\s\\]+(?:_IO[WR]*\(|0x\w{8}U)", re.M)
STRUCT = re.compile(r"^(?:typedef )?struct (\w+) \{", re.M)
# Our names for FreeBSD's unnamed or library types.
LINUX_REQUEST = re.compile(r"^#define\s+(\w+)\s+_IO\(VMM_LINUX_GROUP,", re.M)
OWN_STRUCTS = {"vmm_cpuset", "vmm_timeval", "vmm_domainset"}


def check_nothing_else(checks, uapi, requests, linux_requests):
    """No request and no struct that the tables do not have; vmm_dev.h has those of 14.3 alone."""
    structs = {row["struct"] for table in STRUCT_TABLES for row in read_table(table)} | OWN_STRUCTS
    for header in HEADERS:
        with open(os.path.join(uapi, header), encoding="utf-8") as f:
            text = f.read()
        for name in sorted(set(LINUX_REQUEST.findall(text)) - linux_requests):
            checks.broken.append(f"{header}: request {name} is in no table")
        for name in sorted(set(REQUEST.findall(text)) - linux_requests):
            if name not in requests:
                checks.broken.append(f"{header}: request {name} is in no table")
            elif header == "machine/vmm_dev.h" and (requests[name]["in_14.3"] != "yes" or FORMS.search(name)):
                checks.broken.append(f"{header}: request {name} is not 14.3's own")
        for name in sorted(set(STRUCT.findall(text)) - structs):
            checks.broken.append(f"{header}: struct {name} is in no table")


# ---------------------------------------------------------------------------------------------- output

INCLUDES = [f"#include <{header}>" for header in HEADERS] + [""]


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def print_program(checks):
    out = ["#define _GNU_SOURCE", "#include <sys/mman.h>"] + INCLUDES
    out.append('#include "compare.h"\n\nstatic const struct equal equals[] = {')
    out += [f"\t{{ {quoted(label)}, (long long)({a}), (long long)({b}) }},"
            for label, a, b, _ in checks.equal]
    out += [f"\t{{ {quoted(label)}, __builtin_types_compatible_p({a}, {b}), 1 }},"
            for label, a, b in checks.types]
    out.append("};\n\nstatic const struct word words[] = {")
    out += [f"\t{{ {quoted(name)}, {value} }}," for name, value in checks.words]
    out.append("};\n\nstatic void compare_bits(void)\n{")
    out += [f"\tBITS({quoted(label)}, {struct}, {field}, {first}, {bits});"
            for label, struct, field, first, bits in checks.bits]
    out.append("}\n\nint main(int argc, char **argv)\n{\n\tsize_t i;\n\n\tstart_counts(argc, argv);")
    for label in checks.broken:
        out.append(f"\tputs({quoted(label)});\n\tverdict(0);")
    out.append("\tfor (i = 0; i < sizeof(equals) / sizeof(equals[0]); i++)\n\t\tcompare_equal(&equals[i]);")
    out.append("\tcompare_words(words, sizeof(words) / sizeof(words[0]));\n\tcompare_bits();")
    out.append(f"\treturn finish_counts({len(checks.skipped)});\n}}")
    print("\n".join(out))


def print_asserts(checks):
    out = ["#ifdef __KERNEL__", "#include <linux/module.h>", "#endif"] + INCLUDES
    out += ["#ifndef offsetof", "#define offsetof(t, m) __builtin_offsetof(t, m)", "#endif",
            "#ifdef __cplusplus", "#define assert_row static_assert", "#else", "#define assert_row _Static_assert",
            "#endif", ""]
    for label, a, b, hosted_only in checks.equal:
        if not hosted_only:
            out.append(f"assert_row((long long)({a}) == (long long)({b}), {quoted(label)});")
    out += [f"#error {label}" for label in checks.broken]
    out += ["", "#ifdef __KERNEL__", 'MODULE_LICENSE("Dual BSD/GPL");', "#endif"]
    print("\n".join(out))


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("program", "assert"):
        sys.exit("usage: gen.py program|assert UAPI")
    checks = Checks()
    check_structs(checks)
    check_enums(checks)
    check_nothing_else(checks, sys.argv[2], check_requests(checks), check_linux_requests(checks))
    for section, expression, value in WORDS:
        checks.equal.append((f"semantics.md {section} {expression}", expression, str(value), False))
    (print_program if sys.argv[1] == "program" else print_asserts)(checks)


main()
