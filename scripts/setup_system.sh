#!/bin/sh
# Sets up the one thing that pip cannot: a browser for the end-to-end tests.
# Never fails. What cannot be had is said aloud here, and the tests that need it skip.
set -u

skip() {
    printf '\n*** SKIP: no Chromium, so the browser tests will not run: %s\n\n' "$1" >&2
    exit 0
}

for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null && exit 0
done
command -v apt-get >/dev/null || skip "there is no apt-get here to install it with"
[ "$(id -u)" = 0 ] || skip "only root may install it (apt-get install chromium)"

echo "Installing Chromium for the browser tests (once) ..."
export DEBIAN_FRONTEND=noninteractive
timeout 120 apt-get update -qq </dev/null >/dev/null || skip "apt-get update failed"
timeout 600 apt-get install -y -qq --no-install-recommends chromium fonts-liberation </dev/null >/dev/null ||
    skip "apt-get install failed"
