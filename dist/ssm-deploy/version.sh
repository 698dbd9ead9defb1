# shellcheck shell=bash
# Written by scripts/host-program.ts whenever a part changes: a host takes the newer program from a command's document.
PROGRAM_VERSION=22
# parts: 5bd4f6406034e054
