#!/usr/bin/env bash
# Has a real server meet clients of HTTP/2, honest ones and others.
#
# usage: Tests/HTTP2/http2.sh path/to/rejoin
#
# What it imports is kept in .build/http2-tools.
set -euo pipefail

if [ $# -ne 1 ]; then
    echo "usage: $0 path/to/rejoin" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
rejoin=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
tools=$("$here/../../Scripts/python-tools" http2-tools "$here/requirements.txt")
exec "$tools/python" "$here/http2.py" "$rejoin"
