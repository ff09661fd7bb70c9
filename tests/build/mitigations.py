#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""
mitigations.py BUILD KDIR

The order of what entry and exit do against leaks through speculation, read from the object code of BUILD, a folder in which
vmm.ko was built for the kernel of KDIR: src/vmx/entry.o, src/svm/entry.o and the code that calls them, with the kernel's
alternatives patched in as for a processor that needs all of them, and as for one that needs none.

Prints a line for each check, and closes with "N passed, N failed".
"""
import glob
import os
import re
import struct
import subprocess
import sys
import tempfile

counts = {"passed": 0, "failed": 0}


def check(name, good, detail=""):
    counts["passed" if good else "failed"] += 1
    print(f"{'ok' if good else 'not ok'} {name}" + (f": {detail}" if detail and not good else ""))


# --- object files ------------------------------------------------------------------------------------------------------

class Object:
    """Sections, symbols and relocations of an x86-64 ELF object."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        shoff, = struct.unpack_from("<Q", self.data, 0x28)
        entsize, count, names = struct.unpack_from("<HHH", self.data, 0x3a)
        heads = [struct.unpack_from("<IIQQQQIIQQ", self.data, shoff + i * entsize) for i in range(count)]
        self.names = [self.string(heads[names][4] + head[0]) for head in heads]
        self.sections = [self.data[head[4]:head[4] + head[5]] if head[1] != 8 else b"" for head in heads]
        self.symbols = []               # (name, section, value, size)
        for head in heads:
            if head[1] == 2:
                self.read_symbols(head, heads[head[6]][4])
        self.relocs = {i: {} for i in range(count)}     # section: {offset: (symbol, addend)}
        for head in heads:
            if head[1] == 4:
                self.read_relocs(head)

    def string(self, offset):
        return self.data[offset:self.data.index(b"\0", offset)].decode()

    def read_symbols(self, head, strings):
        for offset in range(head[4], head[4] + head[5], 24):
            name, info, _, section, value, size = struct.unpack_from("<IBBHQQ", self.data, offset)
            text = self.names[section] if info & 15 == 3 else self.string(strings + name)
            self.symbols.append((text, section, value, size))

    def read_relocs(self, head):
        for offset in range(head[4], head[4] + head[5], 24):
            where, info, addend = struct.unpack_from("<QQq", self.data, offset)
            self.relocs[head[7]][where] = (self.symbols[info >> 32], addend)

    def section(self, name):
        return self.names.index(name) if name in self.names else None

    def function(self, name):
        return next((s for s in self.symbols if s[0] == name and s[3]), None)

    def alternatives(self, section):
        """(offset, length, replacement's offset, its length, feature, negated) of those in a section, in order."""
        table = self.section(".altinstructions")
        if table is None:
            return []
        relocs = self.relocs[table]
        size = len(self.sections[table]) // (len(relocs) // 2)
        for at in range(0, len(self.sections[table]), size):
            (_, where, base, _), addend = relocs[at]
            (_, _, repl_base, _), repl_addend = relocs[at + 4]
            if where != section:
                continue
            if size == 12:              # struct alt_instr: the flag is in the feature's highest bit
                feature, length, repl_length = struct.unpack_from("<HBB", self.sections[table], at + 8)
                feature, negated = feature & 0x7fff, bool(feature & 0x8000)
            else:
                feature, flags, length, repl_length = struct.unpack_from("<HHBB", self.sections[table], at + 8)
                negated = bool(flags & 1)
                if flags & 2:           # an indirect call that becomes a direct one to the same function
                    continue
            yield base + addend, length, repl_base + repl_addend, repl_length, feature, negated


class Insn:
    def __init__(self, address, text, length):
        self.address = address
        self.next = address + length
        self.text = text
        self.op = text.split()[0] if text else ""
        self.operands = text[len(self.op):].strip()
        self.symbols = []               # that its bytes refer to

    def names(self, symbol):
        return symbol in self.symbols

    def target(self):
        found = re.match(r"(?:0x)?([0-9a-f]+)", self.operands)
        return int(found.group(1), 16) if found and not self.symbols else None

    def is_jump(self):
        return self.op.startswith("j")

    def is_return(self):
        return self.op.startswith("ret") or (self.op == "jmp" and any("return_thunk" in s for s in self.symbols))

    def is_indirect(self):
        return (self.is_jump() or self.op == "call") and ("*" in self.operands or any("indirect_thunk" in s for s in self.symbols))

    def reads_memory(self):
        return "(" in self.operands and not self.op.startswith(("lea", "nop"))


def patched(obj, function, features):
    """The instructions of a function on a processor with FEATURES."""
    name, section, start, size = function
    code = bytearray(obj.sections[section])
    relocs = {at: symbol for at, (symbol, _) in obj.relocs[section].items()}
    repl = obj.section(".altinstr_replacement")
    for where, length, repl_where, repl_length, feature, negated in obj.alternatives(section):
        if (feature in features) == negated:
            continue
        code[where:where + length] = obj.sections[repl][repl_where:repl_where + repl_length] + b"\x90" * (length - repl_length)
        relocs = {at: symbol for at, symbol in relocs.items() if not where <= at < where + length}
        for at, (symbol, _) in obj.relocs[repl].items():
            if repl_where <= at < repl_where + repl_length:
                relocs[where + at - repl_where] = symbol
    return disassemble(code[start:start + size], start, relocs)


def disassemble(code, start, relocs):
    with tempfile.NamedTemporaryFile() as file:
        file.write(code)
        file.flush()
        text = subprocess.run(["objdump", "-D", "-z", "-w", "-b", "binary", "-m", "i386:x86-64", f"--adjust-vma={start}", file.name],
                              check=True, capture_output=True, text=True).stdout
    insns = []
    for line in text.splitlines():
        found = re.match(r"\s*([0-9a-f]+):\t([0-9a-f ]+)\t?(.*)", line)
        if not found:
            continue
        insn = Insn(int(found.group(1), 16), re.sub(r"\s*#.*", "", found.group(3)).strip(), len(found.group(2).split()))
        insn.symbols = [symbol[0] for at, symbol in relocs.items() if insn.address <= at < insn.next]
        insns.append(insn)
    return insns


def features_of(kdir):
    """Numbers of X86_FEATURE_*."""
    paths = glob.glob(f"{kdir}/arch/x86/include/asm/cpufeatures.h") + glob.glob(f"{kdir}/source/arch/x86/include/asm/cpufeatures.h")
    if not paths:
        with open(f"{kdir}/Makefile", encoding="utf-8") as file:        # Debian's: include /usr/src/...-common/Makefile
            paths = [re.search(r"^include\s+(\S+)/Makefile", file.read(), re.M).group(1) + "/arch/x86/include/asm/cpufeatures.h"]
    with open(paths[0], encoding="utf-8") as file:
        return {name: int(word) * 32 + int(bit)
                for name, word, bit in re.findall(r"#define X86_FEATURE_(\w+)\s+\(\s*(\d+)\s*\*\s*32\s*\+\s*(\d+)\)", file.read())}


def walk(insns, start, stop=lambda insn: False):
    """Instructions that can be executed from START on, up to those at which to STOP; those included, what they call not."""
    by_address = {insn.address: insn for insn in insns}
    seen, todo = {}, [start.address]
    while todo:
        insn = by_address.get(todo.pop())
        if insn is None or insn.address in seen:
            continue
        seen[insn.address] = insn
        if stop(insn) or insn.is_return() or insn.op == "ud2":
            continue
        if insn.is_jump() and insn.target() is not None:
            todo.append(insn.target())
        if insn.op != "jmp":
            todo.append(insn.next)
    return list(seen.values())


# --- what is looked for ------------------------------------------------------------------------------------------------

def first(insns, wanted, begin=0):
    return next((i for i in range(begin, len(insns)) if wanted(insns[i])), None)


def writes_msr(insn):
    """WRMSR, or the call that a kernel for more than one hypervisor makes it of at boot."""
    return insn.op == "wrmsr" or (insn.op == "call" and any(s.startswith("pv_ops") for s in insn.symbols))


def msr_write(insns, msr, begin=0):
    """Index of the WRMSR behind the load of MSR's number."""
    load = first(insns, lambda i: i.op == "mov" and i.operands in (f"$0x{msr:x},%ecx", f"$0x{msr:x},%edi"), begin)
    return None if load is None else first(insns, writes_msr, load)


def rsb_stuffing(insns, begin):
    """Indexes of the first CALL and the LFENCE of filling the return stack buffer: calls that skip an INT3."""
    start = first(insns, lambda i: i.op == "call" and i.target() == i.next + 1, begin)
    return (None, None) if start is None else (start, first(insns, lambda i: i.op == "lfence", start))


GPRS = ["ecx", "edx", "ebx", "ebp", "esi", "edi"] + [f"r{n}d" for n in range(8, 16)]


def check_entry(name, insns, entries):
    """VERW is the last that touches memory before the guest."""
    enter = [first(insns, lambda i, op=op: i.op == op) for op in entries]
    check(f"{name}: enters the guest by {', '.join(entries)}", None not in enter)
    if None in enter:
        return 0
    verw = first(insns, lambda i: i.op == "verw")
    good = verw is not None and verw < min(enter)
    check(f"{name}: VERW before each of them", good)
    if good:
        reached = walk(insns, insns[verw + 1], lambda i: i.op in entries)
        ops = {i.op for i in reached}
        check(f"{name}: every way behind VERW enters", all(op in ops for op in entries))
        before = [i for i in reached if i.op not in entries and i.address < insns[max(enter)].address]
        check(f"{name}: nothing reads memory behind VERW", not any(i.reads_memory() or i.op in ("pop", "call", "ret") for i in before),
              "; ".join(i.text for i in before))
    return max(enter) + 1


def check_exit(name, insns, begin, ibrs):
    """RSB, then what else guards returns and indirect branches, then registers; no RET or indirect branch before."""
    rsb, rsb_end = rsb_stuffing(insns, begin)
    ret = first(insns, lambda i: i.is_return(), begin)
    check(f"{name}: the return stack buffer is stuffed before the first return",
          None not in (rsb, rsb_end, ret) and rsb < rsb_end < ret)
    if None in (rsb, rsb_end, ret):
        return
    before = insns[begin:rsb]
    check(f"{name}: first of all: no call, return or indirect branch before it",
          not any(i.is_return() or i.is_indirect() or i.op == "call" for i in before), "; ".join(i.text for i in before if i.op == "call"))
    last = rsb_end
    if ibrs:
        spec = msr_write(insns, 0x48, begin)
        check(f"{name}: SPEC_CTRL behind it", spec is not None and rsb_end < spec < ret)
        bhb = first(insns, lambda i: i.op == "call" and i.names("clear_bhb_loop"), begin)
        check(f"{name}: the branch history behind that", None not in (spec, bhb) and spec < bhb < ret)
        last = bhb or last
    else:
        untrain = [i for i in range(begin, ret) if insns[i].op == "call" and
                   any(s in ("entry_untrain_ret", "srso_alias_untrain_ret", "entry_ibpb") for s in insns[i].symbols)]
        check(f"{name}: returns are untrained behind it", bool(untrain) and min(untrain) > rsb_end)
        last = max(untrain, default=last)
    check(f"{name}: no indirect branch in all of it", not any(i.is_indirect() for i in insns[begin:ret]))
    zeroed = {re.fullmatch(r"%(\w+),%\1", i.operands).group(1) for i in insns[last:ret]
              if i.op == "xor" and re.fullmatch(r"%(\w+),%\1", i.operands)}
    check(f"{name}: no guest value is left in a register", zeroed >= set(GPRS), f"not zeroed: {set(GPRS) - zeroed}")


def calls(insn, name):
    return insn.op in ("call", "jmp") and insn.names(name)


def callers(obj, name):
    """Functions that call NAME."""
    for symbol in obj.symbols:
        if symbol[3] and symbol[1] < len(obj.names) and obj.names[symbol[1]].startswith(".text"):
            if any(target[0] == name and symbol[2] <= at < symbol[2] + symbol[3]
                   for at, (target, _) in obj.relocs[symbol[1]].items()):
                yield symbol


def check_l1d(obj, everything):
    """The L1D flush is the last before the assembly part, whichever way."""
    found = list(callers(obj, "vmx_enter"))
    check("vmx: one place enters the guest", len(found) == 1)
    if len(found) != 1:
        return
    insns = patched(obj, found[0], everything)
    wanted = lambda i: calls(i, "vmx_enter")
    flush = msr_write(insns, 0x10b)
    check("vmx: L1TF: flushes by IA32_FLUSH_CMD", flush is not None)
    if flush is not None:
        reached = walk(insns, insns[flush], wanted)
        others = [i for i in reached if i.op == "call" and not wanted(i) and i is not insns[flush]]
        check("vmx: L1TF: nothing is called between the flush and the entry", any(map(wanted, reached)) and not others,
              "; ".join(i.text for i in others))
        check("vmx: L1TF: interrupts stay off behind the flush", not any(i.op == "sti" for i in reached))
    around = walk(insns, insns[0], lambda i: wanted(i) or i.names("vmx_mitigations"))
    check("vmx: L1TF: no way round the question whether to flush", not any(map(wanted, around)))
    verw = first(insns, lambda i: i.op == "verw")
    check("vmx: MMIO stale data: VERW for guests only", verw is not None and any(map(wanted, walk(insns, insns[verw]))))


def check_ibpb(name, obj, function, features):
    """Another vCPU on this CPU: IBPB, where the kernel has it on for switches."""
    symbol = obj.function(function)
    check(f"{name}: {function}() is there", symbol is not None)
    if symbol is None:
        return
    always = features["ALWAYS"]
    on, off = patched(obj, symbol, {always, features["USE_IBPB"]}), patched(obj, symbol, {always})
    write = msr_write(on, 0x49)
    check(f"{name}: IBPB when another vCPU comes", write is not None)
    # The load of ECX may stay; what is patched in is the WRMSR.
    check(f"{name}: none where the kernel has it off",
          write is not None and not any(i.op == "wrmsr" and i.address == on[write].address for i in off))


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    build, kdir = sys.argv[1:]
    features = features_of(kdir)
    everything = {features[f] for f in features if f in (
        "CLEAR_CPU_BUF", "CLEAR_CPU_BUF_VM", "RSB_VMEXIT", "KERNEL_IBRS", "CLEAR_BHB_LOOP_ON_VMEXIT", "CLEAR_BHB_VMEXIT",
        "CLEAR_BHB_LOOP", "UNRET", "SRSO", "SRSO_ALIAS", "ENTRY_IBPB", "IBPB_ON_VMEXIT", "USE_IBPB", "RETHUNK", "RETPOLINE", "ALWAYS")}
    nothing = {features["ALWAYS"]}
    vmx, svm = Object(f"{build}/src/vmx/entry.o"), Object(f"{build}/src/svm/entry.o")

    insns = patched(vmx, vmx.function("vmx_enter"), everything)
    check_exit("vmx", insns, check_entry("vmx", insns, ["vmlaunch", "vmresume"]), True)
    insns = patched(svm, svm.function("svm_enter"), everything)
    check_exit("svm", insns, check_entry("svm", insns, ["vmrun"]), False)
    # One return predicted by the guest is enough where the processor empties the rest.
    insns = patched(vmx, vmx.function("vmx_enter"), nothing | {features["RSB_VMEXIT_LITE"]})
    rsb, end = rsb_stuffing(insns, 0)
    check("vmx: the light form of it: one call and LFENCE", None not in (rsb, end) and
          sum(i.op == "call" for i in insns[rsb:end]) == 1)
    for name, obj in (("vmx", vmx), ("svm", svm)):
        insns = patched(obj, obj.function(f"{name}_enter"), nothing)
        reached = walk(insns, insns[0])
        check(f"{name}: a processor that needs none of it executes none",
              not any(i.op in ("verw", "wrmsr") or (i.op == "call" and i.target() == i.next + 1) for i in reached),
              "; ".join(i.text for i in reached if i.op in ("verw", "wrmsr", "call")))
    check_l1d(Object(f"{build}/src/vmx/run.o"), everything)
    check_ibpb("vmx", Object(f"{build}/src/vmx/run.o"), "vmx_vcpu_load", features)
    check_ibpb("svm", Object(f"{build}/src/svm/run.o"), "svm_vcpu_load", features)
    print(f"{counts['passed']} passed, {counts['failed']} failed")
    sys.exit(1 if counts["failed"] else 0)


if __name__ == "__main__":
    os.environ["LC_ALL"] = "C"
    main()
