#!/usr/bin/env bash
# Prints how long a server takes from its start until it answers /readyz, and how much memory it then holds.
#
#   Tests/Footprint/footprint.sh .build/release/rejoin
#
# Ends with 1 when it takes a second or more, or 64 MiB or more.
set -euo pipefail

server=${1:?"usage: footprint.sh SERVER"}
most_milliseconds=1000
most_kibibytes=$((64 * 1024))

directory=$(mktemp -d)
process=
finish() {
    if [[ -n $process ]]; then kill "$process" 2>/dev/null || true; wait "$process" 2>/dev/null || true; fi
    rm -rf "$directory"
}
trap finish EXIT

# Asks once, without another program: what a request costs is not the server's.
answers() {
    local status
    exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
    printf 'GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' >&3
    read -r status <&3 || status=
    exec 3>&-
    [[ $status == "HTTP/1.1 200"* ]]
} 2>/dev/null

mkfifo "$directory/output"
started=$(date +%s%N)
"$server" serve --data "$directory/data" --port 0 --log-level error >"$directory/output" &
process=$!
exec 4<"$directory/output"
if ! IFS= read -r -t 10 line <&4 || ! [[ $line =~ http://127\.0\.0\.1:([0-9]+) ]]; then
    echo "footprint: the server did not say where it listens" >&2
    exit 1
fi
port=${BASH_REMATCH[1]}
until answers "$port"; do
    if (($(date +%s%N) - started > 10000000000)); then
        echo "footprint: the server does not answer /readyz" >&2
        exit 1
    fi
done
milliseconds=$((($(date +%s%N) - started) / 1000000))
kibibytes=$(awk '/^VmRSS:/ { print $2 }' "/proc/$process/status")

echo "start to ready: $milliseconds ms"
echo "resident when idle: $kibibytes KiB"
if ((milliseconds >= most_milliseconds)); then
    echo "footprint: $most_milliseconds ms or more until it is ready" >&2
    exit 1
fi
if ((kibibytes >= most_kibibytes)); then
    echo "footprint: $most_kibibytes KiB or more of memory" >&2
    exit 1
fi
