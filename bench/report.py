#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""
bench/report.py DIR HOST [--against FILE] [--into FILE]: from what a run on the emulated host HOST (svm-6.12) left in DIR (stdout,
counts, symbols) to results.tsv, profile.txt, plot.svg and growth.svg there, and the table on stdout. --against: exit status 1 if
vmm needs over 5 % more instructions anywhere than FILE says. --into: the rows of this host in FILE become those of this run.
"""
import argparse
import bisect
import collections
import os
import subprocess
import shutil
import sys
import textwrap

WARMUP = 8
FLOOR_ID = 127
TOLERANCE = 1.05

# Highest ratio to be content with, and what the operation cannot do without: world switches and system calls (and, see FAULTS, a
# page fault of the host on the same memory).
GOALS = {
    'cpuid': (0.35, 1, 0), 'rdmsr_tsc_adjust': (0.35, 1, 0), 'wrmsr_tsc_adjust': (0.35, 1, 0), 'rdmsr_apic_base': (0.35, 1, 0),
    'in_pit': (0.5, 1, 0), 'in_pm_timer': (0.5, 1, 0), 'in_user': (0.45, 1, 1), 'mmio_user': (0.45, 1, 1),
    'xapic_eoi': (0.35, 1, 0), 'xapic_self_ipi': (0.35, 1, 0), 'x2apic_self_ipi': (0.35, 1, 0),
    'ipi_running': (0.7, 2, 0), 'ipi_halted': (0.7, 2, 0), 'deadline': (0.7, 2, 0),
    'touch_4k': (0.5, 1, 0), 'touch_2m': (0.5, 1, 0), 'create': (0.5, 0, 0), 'destroy': (0.5, 0, 0), 'kernel_memory': (0.5, 0, 0),
    'boot': (0.8, 0, 0), 'boot_exits': (0.8, 0, 0),
}
# Why a goal is missed, and what was tried; besides, notes_print() says what the floor is and where the instructions are.
EXIT_VMX = ('KVM takes less than on AMD-V, where it has to find out how long the instruction is, vmm what it takes there and its VMREADs. On '
            'either, the switch itself with the refill of return predictions takes 160 of it. Tried: fields of the VMCS are read once an exit and written only '
            'where they have changed, and an exit that could not bring secrets into L1D is not followed by a flush')
USER = ('no less than an ioctl of Linux (of which a third is for LSMs), a world switch and the exchange of FPU state. Tried: VML_RUN, which '
        'writes the register and runs the vCPU again, has made one request out of FreeBSD\'s two; KVM\'s one has the answer in shared memory')
DECODED = 'as above, and the instruction is decoded, from what is remembered of it'
TOUCH_4K = ('the program\'s own first touch of such memory, a page of a tmpfs file, takes more than the guest\'s; the kernel clears it twice where '
            'it clears all that it allocates, and anonymous memory, KVM\'s, once: on AMD-V with init_on_alloc=0 it is 4613 of 7617, 0.61')
TOUCH_2M = ('nearly all of it is the kernel\'s clearing of 2 MiB, of which each word counts, on either twice where it clears all that it allocates: '
            'on AMD-V with init_on_alloc=0 it is 280,158 of 289,575; of the rest, vmm needs less than KVM does')
BOOT_EXITS = ('9 of 10 are the guest\'s accesses to ports, of its serial console for the most part, which are answered in user space on either: '
              'there are no less while it has one')
BOOT_EXITS_VMX = ('41,000 are the guest\'s accesses to ports, of its serial console for the most part, which are answered in user space on either; '
                  '20,000 come of its memory, for on a processor with itlb_multihit vmm maps pages of 4 KiB, where KVM has larger ones that '
                  'cannot be executed; 3,000 are those of a timer that Bochs alone needs. With mitigations=off it is 46,810 of 41,596')
BOOT_VMX = 'as its exits are, and the guest\'s own are among them; with mitigations=off it is 866 millions of 877'
IPI_VMX = ('on either, the interrupt that ends the other vCPU\'s stay in the guest, and a sleep, are followed by a flush. Tried: a vCPU that '
           'spins is not taken off its processor while nobody else wants it, which was 5800 of an IPI')
DEADLINE_VMX = ('on either, what is the kernel\'s is that of putting a thread to sleep, programming a timer and waking the thread, and the sleep is '
                'followed by a flush')
NOTES = {
    'svm': {'in_user': USER, 'mmio_user': DECODED, 'touch_4k': TOUCH_4K, 'touch_2m': TOUCH_2M, 'boot_exits': BOOT_EXITS},
    'vmx': {
        'cpuid': EXIT_VMX, 'rdmsr_tsc_adjust': EXIT_VMX, 'wrmsr_tsc_adjust': EXIT_VMX, 'rdmsr_apic_base': EXIT_VMX, 'in_pit': EXIT_VMX,
        'in_user': USER, 'mmio_user': DECODED,
        'xapic_eoi': 'what the guest points to is decoded, which KVM and vmm alike follow with a flush; its 21 VMREADs are of segments and control '
                     'registers, which KVM caches. Tried: the instruction is remembered, so that it is not fetched again',
        'xapic_self_ipi': 'as xapic_eoi, and the entry delivers the interrupt',
        'x2apic_self_ipi': EXIT_VMX,
        'ipi_running': IPI_VMX, 'ipi_halted': IPI_VMX, 'deadline': DEADLINE_VMX,
        'touch_4k': TOUCH_4K + '; and KVM does not follow it with a flush, vmm does',
        'touch_2m': TOUCH_2M, 'boot': BOOT_VMX, 'boot_exits': BOOT_EXITS_VMX,
    },
}
NO_TICKS = ('kernel_memory', 'boot_exits')
FAULTS = {'touch_4k': 'fault_4k', 'touch_2m': 'fault_2m'}
HOSTS = ('KVM', 'vmm')


IDS = 128           # of a module's operations, from 0 and from 128 on
UNFLUSHED_ID = 32   # among them, those of inside.sh's unflushed


class Run:
    """What a run on a host left, or, UNFLUSHED, the part of it without flushes of L1D."""

    def __init__(self, folder, host, unflushed=False):
        self.folder, self.host, self.unflushed = folder, host + ('-unflushed' if unflushed else ''), unflushed
        self.texts, self.ids, self.ticks = {}, {}, {}
        self.classes, self.samples, self.insns = [], collections.defaultdict(list), collections.defaultdict(dict)
        self.growth, self.symbols = [], {}
        self.has_ticks = host.startswith('vmx')         # which are instructions
        self.read_stdout()
        self.read_counts()

    def path(self, name):
        return os.path.join(self.folder, name)

    def read_stdout(self):
        for line in open(self.path('stdout')):
            words = line.rstrip('\n').split('\t')
            if words[0] == 'op':
                _, symbol, number, host, ticks, text = words
                if (UNFLUSHED_ID <= int(number) % IDS < 2 * UNFLUSHED_ID) != self.unflushed:
                    continue
                self.texts[symbol] = text
                self.ids[symbol, host] = int(number)
                self.ticks[symbol, host] = int(ticks)
            elif words[0] == 'grow' and not self.unflushed:
                self.growth.append((words[1], int(words[2]), words[3]) + tuple(int(word) for word in words[4:]))

    def read_counts(self):
        for line in open(self.path('counts')) if os.path.exists(self.path('counts')) else []:
            words = line.rstrip('\n').split('\t')
            if words[0] == 'class':
                self.classes = words[1:]
            elif words[0] == 'sample':
                self.samples[int(words[1])].append([int(word) for word in words[2:]])
            elif words[0] == 'insn':
                self.insns[int(words[1])][int(words[2], 16)] = int(words[3])

    def count_of(self, number):
        """The window of the fewest instructions, when nothing came in between: total and classes, or None."""
        samples = self.samples.get(number, [])
        samples = samples[WARMUP:] or samples
        return min(samples) if samples else None

    def count(self, symbol, module):
        """
        Total and classes. What has not been counted has ticks between two readings of the TSC, less what the readings themselves take.
        """
        if (symbol, module) not in self.ids:
            return None
        ticks = self.ticks[symbol, module]
        if self.has_ticks and symbol not in NO_TICKS:
            ticks -= self.ticks.get(('nothing', module), 0)
        return self.count_of(self.ids[symbol, module]) or [ticks] + [0] * len(self.classes)

    def floor(self, symbol):
        """Instructions of what the operation cannot do without, or None."""
        switch, call, fault = self.count_of(FLOOR_ID), self.count('syscall', 'vmm'), self.count(FAULTS.get(symbol), 'vmm')
        switches, calls = GOALS.get(symbol, (0, 0, 0))[1:]
        if not switches or not switch or (calls and not call):
            return None
        return switches * switch[0] + calls * (call[0] if call else 0) + (fault[0] if fault else 0)


    def functions(self, symbol, module):
        """Instructions by function, a Counter."""
        if module not in self.symbols:
            self.symbols[module] = Symbols(self.path('symbols'), module)
        functions = collections.Counter()
        for address, hits in self.insns.get(self.ids[symbol, module], {}).items():
            functions[self.symbols[module].name(address)] += hits
        return functions


# ---- results ----

def ratio_of(run, symbol):
    kvm, vmm = run.count(symbol, 'KVM'), run.count(symbol, 'vmm')
    return vmm[0] / kvm[0] if kvm and vmm and kvm[0] else None


COLUMNS = ['operation', 'host', 'KVM', 'vmm', 'floor', 'goal', 'special', 'ratio']


def results_rows(run):
    """A row an operation; special: what silicon charges extra for, class=KVM/vmm, in words separated by blanks."""
    for symbol in run.texts:
        kvm, vmm = run.count(symbol, 'KVM'), run.count(symbol, 'vmm')
        if not kvm or not vmm:
            continue
        ratio, goal = ratio_of(run, symbol), GOALS.get(symbol, (None,))[0]
        special = ['%s=%d/%d' % (name, kvm[i + 1], vmm[i + 1]) for i, name in enumerate(run.classes) if kvm[i + 1] or vmm[i + 1]]
        words = [symbol, run.host, kvm[0], vmm[0], run.floor(symbol) or '-', goal or '-', ' '.join(special) or '-',
                 '%.2f' % ratio if ratio else '-']
        yield '\t'.join(str(word) for word in words) + '\n'


def results_write(runs, path, others):
    with open(path, 'w') as out:
        out.writelines(['\t'.join(COLUMNS) + '\n'] + others + [row for run in runs for row in results_rows(run)])


def results_merge(runs, path):
    others = open(path).readlines()[1:] if os.path.exists(path) else []
    results_write(runs, path, [row for row in others if row.split('\t')[1] not in [run.host for run in runs]])
    run = runs[0]
    for name in ('plot', 'growth'):
        if os.path.exists(run.path(name + '.svg')):
            shutil.copy(run.path(name + '.svg'), os.path.join(os.path.dirname(path), '%s-%s.svg' % (name, run.host)))


def table_print(run):
    print('%-36s %9s %9s %6s %6s %7s' % ('without flushes of L1D' if run.unflushed else 'instructions', 'KVM', 'vmm', 'ratio', 'goal', 'floor'))
    for symbol, text in run.texts.items():
        kvm, vmm = run.count(symbol, 'KVM'), run.count(symbol, 'vmm')
        ratio, floor, goal = ratio_of(run, symbol), run.floor(symbol), GOALS.get(symbol, (None,))[0]
        print('%-36s %9s %9s %6s %6s %7s%s' % (
            text, kvm[0] if kvm else '-', vmm[0] if vmm else '-', '%.2f' % ratio if ratio else '-', goal or '', floor or '',
            '  over' if over_goal(run, symbol) else ''))
    print()


def over_goal(run, symbol):
    ratio = ratio_of(run, symbol)
    return ratio and symbol in GOALS and round(ratio, 2) > GOALS[symbol][0]


PROFILE_TOP = 6     # functions that a note names


def note_text(run, unflushed, symbol):
    kvm, vmm = run.count(symbol, 'KVM'), run.count(symbol, 'vmm')
    text = '%s: %d of %d, %.2f, goal %s' % (symbol, vmm[0], kvm[0], vmm[0] / kvm[0], GOALS[symbol][0])
    if run.floor(symbol):
        text += '; floor %d' % run.floor(symbol)
    if ratio_of(unflushed, symbol):
        text += '; without flushes of L1D %d of %d, %.2f' % (
            unflushed.count(symbol, 'vmm')[0], unflushed.count(symbol, 'KVM')[0], ratio_of(unflushed, symbol))
    note = NOTES[run.host[:3]].get(symbol)
    text += ': %s.' % note if note else '.'
    functions = run.functions(symbol, 'vmm')
    if functions:
        kernel = sum(hits for name, hits in functions.items() if not name.endswith('[vmm]'))
        text += ' Not vmm\'s own: %d. Most of it: %s.' % (
            kernel, ', '.join('%s %d' % (name, hits) for name, hits in functions.most_common(PROFILE_TOP)))
    return text


def notes_print(run, unflushed):
    """For each row that is over its goal."""
    for symbol in run.texts:
        if over_goal(run, symbol):
            print(textwrap.fill(note_text(run, unflushed, symbol), 128, subsequent_indent='    '))
    print()


def special_print(run):
    """What silicon charges extra for, KVM/vmm."""
    shown = [i for i, name in enumerate(run.classes) if any((run.count(*key) or [0] * 99)[i + 1] for key in run.ids)]
    print('%-18s ' % 'KVM/vmm' + ' '.join('%9s' % run.classes[i] for i in shown))
    for symbol in run.texts:
        kvm, vmm = run.count(symbol, 'KVM'), run.count(symbol, 'vmm')
        if kvm and vmm and run.samples[run.ids[symbol, 'vmm']]:
            print('%-18s ' % symbol + ' '.join('%9s' % ('%d/%d' % (kvm[i + 1], vmm[i + 1])) for i in shown))


# ---- profile ----

class Symbols:
    """Of the kernel while a module was loaded."""

    def __init__(self, path, module):
        rows = []
        for line in open(path) if os.path.exists(path) else []:
            words = line.split()
            if words[0] in ('-', module):
                rows.append((sum(int(part, 16) for part in words[1].split('+')), words[2], words[3] if len(words) > 3 else ''))
        rows.sort()
        self.rows, self.starts = rows, [row[0] for row in rows]

    def name(self, address):
        if address < 1 << 47:
            return '(user space)'
        i = bisect.bisect_right(self.starts, address) - 1
        if i < 0 or address - self.starts[i] > 1 << 16:
            return '(elsewhere)'
        return self.rows[i][1] + (' ' + self.rows[i][2] if self.rows[i][2] else '')


def profile_write(run):
    with open(run.path('profile.txt'), 'w') as out:
        for symbol, host in run.ids:
            functions = run.functions(symbol, host)
            out.write('== %s on %s: %d instructions\n' % (symbol, host, sum(functions.values())))
            for name, hits in functions.most_common():
                out.write('%8d  %s\n' % (hits, name))
            out.write('\n')


# ---- plot ----

PLOT = '''set terminal svg size 900,520 font "sans,12"
set output "%(svg)s"
set title "Instructions of the emulated host, vmm beside KVM (lower is better)"
set style data histogram
set style histogram clustered gap 1
set style fill solid 0.8 border -1
set boxwidth 0.9
set logscale y
set grid ytics
set xtics rotate by -40 nomirror
set key top left
set rmargin 10
plot "%(data)s" using 2:xtic(1) title "KVM" linecolor rgb "#c0504d", "" using 3 title "vmm" linecolor rgb "#4f81bd", \\
	"" using 4 title "floor" linecolor rgb "#9bbb59"
'''


GROWTH = ('CPUID exit', 'create', 'destroy')
GROWTH_PLOT = '''set terminal svg size 1000,760 font "sans,11"
set output "%(svg)s"
set multiplot layout 3,3 title "How cost grows: ticks (instructions, and what a destruction waits), by VMs, vCPUs, MiB of untouched memory"
set rmargin 6
set logscale xy
set grid
set key off
set style data linespoints
'''


def growth_write(run):
    kinds = list(dict.fromkeys(row[0] for row in run.growth))
    if not kinds:
        return
    with open(run.path('growth.tsv'), 'w') as out:
        out.write('\t'.join(('of', 'amount', 'host') + GROWTH) + '\n')
        for row in run.growth:
            out.write('\t'.join(str(word) for word in row) + '\n')
    plot = GROWTH_PLOT % {'svg': run.path('growth.svg')}
    for column, text in enumerate(GROWTH):
        for kind in kinds:
            lines = []
            for host, colour in zip(HOSTS, ('#c0504d', '#4f81bd')):
                name = run.path('growth.%s.%s' % (kind, host))
                with open(name, 'w') as out:
                    for row in run.growth:
                        if row[0] == kind and row[2] == host:
                            out.write('%d %s\n' % (row[1], ' '.join(str(word) for word in row[3:])))
                lines.append('"%s" using 1:%d title "%s" linecolor rgb "%s"' % (name, column + 2, host, colour))
            plot += 'set title "%s, by %s"\nset key %s\nplot %s\n' % (text, kind, 'bottom right' if not column else 'off', ', '.join(lines))
    with open(run.path('growth.gp'), 'w') as out:
        out.write(plot + 'unset multiplot\n')
    gnuplot(run, 'growth.gp')


def gnuplot(run, name):
    try:
        subprocess.run(['gnuplot', run.path(name)], check=True)
    except (OSError, subprocess.CalledProcessError):
        print('no plot of %s: needs gnuplot (scripts/setup --bench)' % name, file=sys.stderr)


def plot_write(run):
    with open(run.path('plot.dat'), 'w') as out:
        for symbol in run.texts:
            kvm, vmm = run.count(symbol, 'KVM'), run.count(symbol, 'vmm')
            if symbol in GOALS and kvm and vmm:
                out.write('"%s" %d %d %s\n' % (symbol.replace('_', ' '), kvm[0], vmm[0], run.floor(symbol) or '?'))
    with open(run.path('plot.gp'), 'w') as out:
        out.write(PLOT % {'svg': run.path('plot.svg'), 'data': run.path('plot.dat')})
    gnuplot(run, 'plot.gp')


# ---- regression ----

def against(run, path):
    worse = 0
    for line in open(path):
        symbol, host, _, before = line.split('\t')[:4]
        count = run.count(symbol, 'vmm')
        if host == run.host and count and count[0] > int(before) * TOLERANCE:
            worse += 1
            print('%s: %d instructions, were %s' % (symbol, count[0], before), file=sys.stderr)
    return worse


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('folder')
    parser.add_argument('host')
    parser.add_argument('--against')
    parser.add_argument('--into')
    args = parser.parse_args()
    run, unflushed = Run(args.folder, args.host), Run(args.folder, args.host, True)
    runs = [run, unflushed] if unflushed.texts else [run]
    results_write(runs, run.path('results.tsv'), [])
    profile_write(run)
    plot_write(run)
    growth_write(run)
    for one in runs:
        table_print(one)
    notes_print(run, unflushed)
    if run.classes:
        special_print(run)
    if run.has_ticks:
        print('Where no counts are given: ticks of a TSC that counts instructions, by fives; for a boot the guest\'s among them.')
    if args.into:
        results_merge(runs, args.into)
    if args.against:
        sys.exit(1 if sum(against(one, args.against) for one in runs) else 0)


if __name__ == '__main__':
    main()
