#!/usr/bin/env bash
# Keeps one WebDriver server and the browsers that it starts, and ends them all when standard input ends. The other end of
# that pipe is held by the process that runs the tests, so they go with it, however it ends.
#
# usage: keeper.sh ROOT DRIVER [ARGUMENT…]
#   ROOT    a directory for profiles and everything else that a browser writes; is removed at the end
#   DRIVER  the WebDriver server's executable; what it prints is printed here
set -u
trap '' HUP INT QUIT TERM PIPE
cd /

root=$1
shift
mkdir -m 700 -- "$root" || exit 1
export HOME=$root TMPDIR=$root XDG_CONFIG_HOME=$root XDG_CACHE_HOME=$root
# A browser asks nobody else on the way to a server of the tests.
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
(cd "$root" && exec "$@" </dev/null 2>&1) &

cat >/dev/null

# Every process of a browser works in the root, also those that have lost their parent.
find_all() {
    found=()
    local process
    for process in /proc/[0-9]*; do
        [[ $process/cwd -ef $root ]] && found+=("${process#/proc/}")
    done
    ((${#found[@]} > 0))
}
while find_all; do
    kill -KILL "${found[@]}" 2>/dev/null
    sleep 0.01
done
# A process that was just ending may still have written.
for _ in {1..20}; do rm -rf --one-file-system -- "$root" 2>/dev/null && break; done
