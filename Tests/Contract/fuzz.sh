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
tools=$here/../../.build/contract-tools

# Made anew when the pinned versions change. A half-made one has no stamp.
if ! cmp -s "$here/requirements.txt" "$tools/requirements.txt"; then
    echo "installing the tools into .build/contract-tools"
    rm -rf "$tools"
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
    cp "$here/requirements.txt" "$tools/requirements.txt"
fi
exec "$tools/bin/python" "$here/fuzz.py" "$rejoin"
