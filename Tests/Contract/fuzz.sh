#!/usr/bin/env bash
# Sends requests generated from the OpenAPI document to a real server, with the tokens of a device, a reviewer and an
# administrator, and holds every answer against the document.
#
# usage: Tests/Contract/fuzz.sh path/to/rejoin
#
# The tools are kept in .build/contract-tools; FUZZ_EXAMPLES (60) bounds the requests per operation and
# FUZZ_SEED (1) chooses them.
set -euo pipefail

if [ $# -ne 1 ]; then
    echo "usage: $0 path/to/rejoin" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
rejoin=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
tools=$("$here/../../Scripts/python-tools" contract-tools "$here/requirements.txt")
exec "$tools/python" "$here/fuzz.py" "$rejoin"
