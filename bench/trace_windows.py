#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""
bench/trace_windows.py FILE: what count.c notes of windows under QEMU, on stdout, out of the instructions that Bochs' debugger has
written into FILE (scripts/emuhost --trace).
"""
import collections
import re
import sys

CLASSES = ['rdmsr', 'wrmsr', 'crwrite', 'drwrite', 'xsetbv', 'xsave', 'xrstor', 'locked', 'vmrun', 'vmload', 'vmsave', 'vmread', 'vmwrite',
           'vmptrld', 'inv', 'rdtsc', 'pio']
MARK_MAGIC, MARK_SELECT, MARK_BEGIN, MARK_END, MARK_FLOOR, MARK_NONE = 0x564d0000, 1, 2, 3, 127, 126	# mark.h
STOP = '6687db'			# TRACE_MARK
CPUID = '0fa2'
HOST_START = 0x400000		# of the program; guests are below

LINE = re.compile(r'^\((\d+)\)\.\[\d+\] \[0x[0-9a-f]+\] [0-9a-f]{4}:([0-9a-f]+) .*; ([0-9a-f]+)\s*$')
PREFIXES = frozenset((0x66, 0x67, 0xf2, 0xf3, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65))
OF_0F = {0x22: 'crwrite', 0x23: 'drwrite', 0x30: 'wrmsr', 0x31: 'rdtsc', 0x32: 'rdmsr', 0x78: 'vmread', 0x79: 'vmwrite'}
OF_0F01 = {0xd1: 'xsetbv', 0xc2: 'vmrun', 0xc3: 'vmrun', 0xd8: 'vmrun', 0xda: 'vmload', 0xdb: 'vmsave', 0xdf: 'inv', 0xf9: 'rdtsc'}
OF_0FAE = {0: 'xsave', 4: 'xsave', 6: 'xsave', 1: 'xrstor', 5: 'xrstor'}
OF_0FC7 = {3: 'xrstor', 4: 'xsave', 5: 'xsave', 6: 'vmptrld'}


def class_0f(op):
    """Of two bytes and more, as count.c's."""
    modrm = op[1] if len(op) > 1 else 0
    reg, memory = modrm >> 3 & 7, modrm < 0xc0
    if op[0] == 0x01:
        return OF_0F01.get(modrm) or ('inv' if memory and reg == 7 else None)
    if op[0] == 0x38:
        return 'inv' if 0x80 <= modrm <= 0x82 else None
    if op[0] in (0xae, 0xc7):
        return (OF_0FAE if op[0] == 0xae else OF_0FC7).get(reg) if memory else None
    return OF_0F.get(op[0])


def class_of(text):
    op = bytes.fromhex(text)
    while len(op) > 1 and op[0] in PREFIXES:
        op = op[1:]
    if op[0] == 0xf0:
        return 'locked'
    if len(op) > 1 and op[0] & 0xf0 == 0x40:
        op = op[1:]
    if len(op) > 1 and op[0] in (0x86, 0x87) and op[1] < 0xc0:
        return 'locked'
    if 0xe4 <= op[0] <= 0xe7 or 0xec <= op[0] <= 0xef:
        return 'pio'
    return class_0f(op[1:]) if len(op) > 1 and op[0] == 0x0f else None


def mark_of(text):
    """Kind and id of a marker, or (0, 0)."""
    if len(text) != 16 or not text.startswith('0f1f8400'):
        return 0, 0
    mark = int.from_bytes(bytes.fromhex(text[8:]), 'little')
    return (mark >> 12 & 0xf, mark & 0xfff) if mark & 0xffff0000 == MARK_MAGIC else (0, 0)


class Window:
    def __init__(self):
        self.total, self.classes, self.hits = 0, collections.Counter(), collections.Counter()

    def add(self, address, text, kinds):
        if text not in kinds:
            kinds[text] = class_of(text)
        self.total += 1
        self.classes[kinds[text]] += 1
        self.hits[address] += 1


def windows(path):
    """Yields (id, Window), one after the other."""
    number, window, kinds = MARK_NONE, None, {}
    with open(path, errors='replace') as lines:
        for line in lines:
            match = LINE.match(line)
            if not match:
                continue
            address, text = int(match[2], 16), match[3]
            kind, mark_id = mark_of(text)
            if kind == MARK_SELECT:
                number = mark_id
            elif kind == MARK_BEGIN:
                window = Window()
            elif kind == MARK_END or text == STOP:
                if kind and window and number != MARK_NONE:
                    yield number, window
                window = None
            elif window and address >= HOST_START and not (number == MARK_FLOOR and text == CPUID):
                window.add(address, text, kinds)


def main():
    fewest = {}
    print('\t'.join(['class'] + CLASSES))
    for number, window in windows(sys.argv[1]):
        print('\t'.join(str(word) for word in ['sample', number, window.total] + [window.classes[name] for name in CLASSES]))
        if number not in fewest or window.total < fewest[number].total:
            fewest[number] = window
    for number, window in fewest.items():
        for address, hits in window.hits.items():
            print('insn\t%d\t%x\t%d' % (number, address, hits))


if __name__ == '__main__':
    main()
