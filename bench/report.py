#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""
bench/report.py DIR HOST [--against FILE] [--into FILE]: from what a run on the emulated host HOST (svm-6.12) left in DIR (stdout
and, where the emulator has a plugin, counts and symbols) to results.tsv, profile.txt, plot.svg and growth.svg there, and the table
on stdout. --against: exit status 1 if vmm needs over 5 % more instructions anywhere than FILE says. --into: the rows of this host
in FILE become those of this run.
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
# Why a goal is missed, what the floor is and what was tried.
NOTES = {
    'in_user': "no less than an ioctl of Linux (625 of which a third is for LSMs), a world switch and the exchange of FPU state: VML_RUN, which "
               "writes the register and runs the vCPU again, has made one request out of FreeBSD's two; KVM's one has the answer in shared memory",
    'mmio_user': 'as above, and the instruction is decoded, from what is remembered of it',
    'touch_4k': "of it, the kernel's page for a tmpfs file takes 3600, 1030 of these to clear it: the program's own first touch of the same "
                'memory takes more than the guest\'s, and the way through the nested tables is the rest',
    'touch_2m': "clearing 2 MiB takes 529,000 of it on either, since each word counts, and is done by the kernel's own code; of the rest, "
                'vmm needs 0.79 of what KVM does',
}
FAULTS = {'touch_4k': 'fault_4k', 'touch_2m': 'fault_2m'}
HOSTS = ('KVM', 'vmm')


class Run:
    def __init__(self, folder, host):
        self.folder, self.host = folder, host
        self.texts, self.ids, self.ticks = {}, {}, {}
        self.classes, self.samples, self.insns = [], collections.defaultdict(list), collections.defaultdict(dict)
        self.growth = []
        self.read_stdout()
        self.read_counts()

    def path(self, name):
        return os.path.join(self.folder, name)

    def read_stdout(self):
        for line in open(self.path('stdout')):
            words = line.rstrip('\n').split('\t')
            if words[0] == 'op':
                _, symbol, number, host, ticks, text = words
                self.texts[symbol] = text
                self.ids[symbol, host] = int(number)
                self.ticks[symbol, host] = int(ticks)
            elif words[0] == 'grow':
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
        self.exits_note()

    def exits_note(self):
        """Each guest entry of the boot is a VMRUN."""
        for module in HOSTS:
            boot = self.count('boot', module)
            if boot and self.classes:
                self.texts['boot_exits'] = 'its exits'
                self.ids['boot_exits', module] = -1
                self.ticks['boot_exits', module] = boot[1 + self.classes.index('vmrun')]

    def count_of(self, number):
        """The window of the fewest instructions, when nothing came in between: total and classes, or None."""
        samples = self.samples.get(number, [])
        samples = samples[WARMUP:] or samples
        return min(samples) if samples else None

    def count(self, symbol, module):
        """Total and classes. Without a plugin, ticks between two readings of the TSC, less what the readings themselves take."""
        if (symbol, module) not in self.ids:
            return None
        ticks = self.ticks[symbol, module]
        if not self.samples and symbol != 'kernel_memory':
            ticks -= self.ticks.get(('nothing', module), 0)
        return self.count_of(self.ids[symbol, module]) or [ticks] + [0] * len(self.classes)

    def floor(self, symbol):
        """Instructions of what the operation cannot do without, or None."""
        switch, call, fault = self.count_of(FLOOR_ID), self.count('syscall', 'vmm'), self.count(FAULTS.get(symbol), 'vmm')
        switches, calls = GOALS.get(symbol, (0, 0, 0))[1:]
        if not switches or not switch or (calls and not call):
            return None
        return switches * switch[0] + calls * (call[0] if call else 0) + (fault[0] if fault else 0)


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


def results_write(run, path, others):
    with open(path, 'w') as out:
        out.writelines(['\t'.join(COLUMNS) + '\n'] + others + list(results_rows(run)))


def results_merge(run, path):
    others = open(path).readlines()[1:] if os.path.exists(path) else []
    results_write(run, path, [row for row in others if row.split('\t')[1] != run.host])
    for name in ('plot', 'growth'):
        if os.path.exists(run.path(name + '.svg')):
            shutil.copy(run.path(name + '.svg'), os.path.join(os.path.dirname(path), '%s-%s.svg' % (name, run.host)))


def table_print(run):
    print('%-36s %9s %9s %6s %6s %7s' % ('instructions', 'KVM', 'vmm', 'ratio', 'goal', 'floor'))
    for symbol, text in run.texts.items():
        kvm, vmm = run.count(symbol, 'KVM'), run.count(symbol, 'vmm')
        ratio, floor, goal = ratio_of(run, symbol), run.floor(symbol), GOALS.get(symbol, (None,))[0]
        print('%-36s %9s %9s %6s %6s %7s%s' % (
            text, kvm[0] if kvm else '-', vmm[0] if vmm else '-', '%.2f' % ratio if ratio else '-', goal or '', floor or '',
            '  over' if over_goal(run, symbol) else ''))
    print()
    notes_print(run)
    if run.classes:
        special_print(run)
    else:
        print('Ticks of a TSC that counts instructions. This emulator has no plugins: no counts by kind, no profile.')


def over_goal(run, symbol):
    ratio = ratio_of(run, symbol)
    return ratio and symbol in GOALS and round(ratio, 2) > GOALS[symbol][0]


VMX_NOTE = """Bochs's processor has L1TF and no instruction against it, so that what goes before an entry behind which the host may have
left something in L1D, reading 64 KiB, is 4100 instructions of the row: of vmm's for what is emulated, populated or answered in user
space, of KVM's for what is emulated or answered in user space. KVM's exits for CPUID, MSRs and ports take a third of what they do
on AMD-V, for here it need not decode; vmm's take what they do there and the VMREADs."""


def notes_print(run):
    if run.host.startswith('vmx'):
        print(VMX_NOTE)
    for symbol, note in NOTES.items():
        if over_goal(run, symbol) and not run.host.startswith('vmx'):
            print(textwrap.fill('%s: %s.' % (symbol, note), 128, subsequent_indent='    '))
    print()


def special_print(run):
    """What silicon charges extra for, KVM/vmm."""
    shown = [i for i, name in enumerate(run.classes) if any((run.count(*key) or [0] * 99)[i + 1] for key in run.ids)]
    print('%-18s ' % 'KVM/vmm' + ' '.join('%9s' % run.classes[i] for i in shown))
    for symbol in run.texts:
        kvm, vmm = run.count(symbol, 'KVM'), run.count(symbol, 'vmm')
        if kvm and vmm:
            print('%-18s ' % symbol + ' '.join('%9s' % ('%d/%d' % (kvm[i + 1], vmm[i + 1])) for i in shown))


# ---- profile ----

class Symbols:
    """Of the kernel while a module was loaded."""

    def __init__(self, path, module):
        rows = []
        for line in open(path) if os.path.exists(path) else []:
            words = line.split()
            if words[0] in ('-', module):
                rows.append((int(words[1], 16), words[2], words[3] if len(words) > 3 else ''))
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
    symbols = {host: Symbols(run.path('symbols'), host) for host in HOSTS}
    with open(run.path('profile.txt'), 'w') as out:
        for (symbol, host), number in run.ids.items():
            functions = collections.Counter()
            for address, hits in run.insns.get(number, {}).items():
                functions[symbols[host].name(address)] += hits
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
    run = Run(args.folder, args.host)
    results_write(run, run.path('results.tsv'), [])
    profile_write(run)
    plot_write(run)
    growth_write(run)
    table_print(run)
    if args.into:
        results_merge(run, args.into)
    if args.against:
        sys.exit(1 if against(run, args.against) else 0)


if __name__ == '__main__':
    main()
