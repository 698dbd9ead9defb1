# shellcheck shell=bash
# Written by scripts/host-program.ts whenever a part changes: a host takes the newer program from a command's document.
PROGRAM_VERSION=4
# parts: 05ed314c5a531524
