# shellcheck shell=bash
# Written by scripts/host-program.ts whenever a part changes: a host takes the newer program from a command's document.
PROGRAM_VERSION=18
# parts: 80d183ccc4cff01c
