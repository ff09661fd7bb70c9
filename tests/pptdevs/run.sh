#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# tests/pptdevs/run.sh: the parser of the pptdevs parameters, in user space under sanitizers. Ends with "N passed, N failed".
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${CC:-gcc}" -std=gnu11 -g -O1 -Wall -Wextra -fsanitize=address,undefined -fno-sanitize-recover=all -Isrc/iommu \
	-o "$work/test" tests/pptdevs/main.c src/iommu/pptdevs.c
"$work/test"
