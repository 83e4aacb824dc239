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
tools=$("$here/../../Scripts/python-tools" identity-tools "$here/requirements.txt")
exec "$tools/python" "$here/identity.py" "$rejoin"
