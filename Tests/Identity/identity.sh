#!/usr/bin/env bash
# Runs a real server beside an OpenID provider, and has it meet what providers and strangers do.
#
# usage: Tests/Identity/identity.sh path/to/rejoin
#
# The provider is kept in .build/identity-tools.
set -euo pipefail

if [ $# -ne 1 ]; then
    echo "usage: $0 path/to/rejoin" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
rejoin=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
tools=$here/../../.build/identity-tools

# Made anew when the pinned versions change. A half-made one has no stamp.
if ! cmp -s "$here/requirements.txt" "$tools/requirements.txt"; then
    echo "installing the provider into .build/identity-tools"
    rm -rf "$tools"
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
    cp "$here/requirements.txt" "$tools/requirements.txt"
fi
exec "$tools/bin/python" "$here/identity.py" "$rejoin"
