#!/bin/sh
# Checks, tests and builds the front end, and compares the build with the committed files.
# The built files are in the repository, so that nobody but its authors needs Node: without it, skipped aloud.
set -eu
cd "$(dirname "$0")/../web"

skip() {
    printf '\n*** SKIP: the front end was not checked: %s\n\n' "$1" >&2
    exit 0
}

command -v node >/dev/null || skip "there is no node"
command -v npm >/dev/null || skip "there is no npm"
node -e 'const [major, minor] = process.versions.node.split(".").map(Number)
process.exit(major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19) ? 0 : 1)' ||
    skip "node $(node --version) is too old: 20.19 or 22.12 is needed"

# npm writes this file when it has installed all of the lock.
[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund
npm run --silent check
npm test --silent
npm run --silent check:build
npm run --silent sizes
