# shellcheck shell=bash
# Written by scripts/host-program.ts whenever a part changes: a host takes the newer program from a command's document.
PROGRAM_VERSION=15
# parts: a2706ab56d41455e
