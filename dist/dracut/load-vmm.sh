#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Before udev's first look at devices: theirs are taken by then.
modprobe -q vmm
