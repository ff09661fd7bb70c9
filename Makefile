# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# make [KVER=release | KDIR=folder]   build vmm.ko for that kernel (default: the running one)
# make tools                          libvmmapi, vmmrun, vmmctl, into build/tools
# make man                            vmm(4), vmmctl(8), vmmrun(8), libvmmapi(3), into build/man, checked by mandoc if it is there
# make demo | shell                   a guest on an emulated host; KERNEL=6.1|6.12 GUEST=6.1|6.12
# make check                          every test there is; ONLY="x86 host-6.1" takes some groups of scripts/check-run
# make check-abi                      the headers of uapi/ against the tables of FreeBSD's
# make kunit                          the KUnit suites on the debug kernel
# make bench                          KVM beside vmm, instructions counted; KERNEL=6.12|6.1; make bench-check: against bench/results.tsv
# make sparse                         static checks of the module; W=1 for more warnings
# make install | clean
#
# Each kernel's build has its own folder, build/RELEASE, in which the sources are links.

KVER ?= $(shell uname -r)
KDIR ?= $(firstword $(wildcard /lib/modules/$(KVER)/build /usr/src/linux-headers-$(KVER)))
# Not include/config/kernel.release: Debian's 6.1 has the upstream version there.
release := $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h 2>/dev/null)
B := $(CURDIR)/build/$(release)

pages := vmm.4 vmmctl.8 vmmrun.8 libvmmapi.3
mandir := /usr/local/share/man

KERNEL ?= 6.1
CPU ?= svm
export KERNEL CPU

all: module

check-kdir:
	@test -n "$(KDIR)" || { echo "vmm: no kernel headers for $(KVER): install linux-headers-$(KVER), or name a folder with KDIR=" >&2; exit 1; }
	@test -n "$(release)" || { echo "vmm: $(KDIR) is not a configured kernel build folder" >&2; exit 1; }

# A link a source; links whose source has gone go too. Safe beside another make.
tree: check-kdir
	@cd $(CURDIR) && find src kunit uapi -type d -exec mkdir -p $(B)/{} \;
	@find $(B) -xtype l -delete
	@cd $(CURDIR) && find Kbuild VERSION src kunit uapi -type f | while read -r f; do \
		test -L $(B)/$$f || ln -sf $(CURDIR)/$$f $(B)/$$f; done
	@src/compat/probe.sh $(KDIR) $(B)/src/compat/compat_config.h

module: tree
	$(MAKE) -C $(KDIR) M=$(B) $(MODULE_FLAGS) modules
	@cp $(B)/vmm.ko vmm.ko

sparse: MODULE_FLAGS = C=2 W=1
sparse: module

tools:
	$(MAKE) -C tools O=$(CURDIR)/build/tools

man: $(pages:%=build/man/%)
	@! command -v mandoc >/dev/null || mandoc -T lint -W warning $^

build/man/libvmmapi.3: man/libvmmapi.py tools/libvmmapi/vmmapi.h tools/libvmmapi/vmlapi.h
	@mkdir -p $(@D)
	python3 $^ > $@

build/man/%: man/%
	@mkdir -p $(@D)
	cp $< $@

demo:
	scripts/demo-run

shell:
	SHELL_IN_GUEST=1 scripts/demo-run

check:
	scripts/check-run $(ONLY)

check-abi:
	scripts/check-run uapi

kunit:
	scripts/kunit-run

bench_kernel := $(if $(filter file,$(origin KERNEL)),6.12,$(KERNEL))

bench:
	KERNEL=$(bench_kernel) bench/run.sh

bench-check:
	KERNEL=$(bench_kernel) AGAINST=bench/results.tsv bench/run.sh

install: module tools man
	$(MAKE) -C $(KDIR) M=$(B) modules_install
	install -D -m 644 dist/60-vmm.rules $(DESTDIR)/usr/lib/udev/rules.d/60-vmm.rules
	install -D -m 644 dist/vmm.sysusers $(DESTDIR)/usr/lib/sysusers.d/vmm.conf
	install -D -m 755 dist/pptdevs-softdeps $(DESTDIR)/usr/lib/vmm/pptdevs-softdeps
	install -D -m 755 dist/initramfs-tools/vmm $(DESTDIR)/usr/share/initramfs-tools/hooks/vmm
	install -D -m 755 -t $(DESTDIR)/usr/lib/dracut/modules.d/90vmm dist/dracut/module-setup.sh dist/dracut/load-vmm.sh
	install -D -t $(DESTDIR)/usr/local/sbin build/tools/vmmrun/vmmrun build/tools/vmmctl/vmmctl
	for page in $(pages); do install -D -m 644 build/man/$$page $(DESTDIR)$(mandir)/man$${page##*.}/$$page; done

clean:
	rm -rf build vmm.ko

.PHONY: all check-kdir tree module sparse tools man demo shell check check-abi kunit bench bench-check install clean
