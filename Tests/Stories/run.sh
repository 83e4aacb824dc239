#!/usr/bin/env bash
# Runs the console blocks of pages against real servers (run.py), with the Python packages that they import.
#
# usage: Tests/Stories/run.sh path/to/rejoin PAGE...
#
# The packages are kept in .build/story-tools.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
tools=$here/../../.build/story-tools

# Made anew when the pinned versions change. A half-made one has no stamp.
if ! cmp -s "$here/requirements.txt" "$tools/requirements.txt"; then
    echo "installing the packages of the stories into .build/story-tools"
    rm -rf "$tools"
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
    cp "$here/requirements.txt" "$tools/requirements.txt"
fi
PATH="$(cd "$tools/bin" && pwd):$PATH" exec python3 "$here/run.py" "$@"
