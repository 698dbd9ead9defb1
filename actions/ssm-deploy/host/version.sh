# shellcheck shell=bash
# Written by scripts/host-program.ts whenever a part changes: a host takes the newer program from a command's document.
PROGRAM_VERSION=10
# parts: 2c04b276492e01db
