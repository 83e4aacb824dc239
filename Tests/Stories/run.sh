#!/usr/bin/env bash
# Runs the console blocks of pages against real servers (run.py), with the Python packages that they import.
#
# usage: Tests/Stories/run.sh path/to/rejoin PAGE...
#
# The packages are kept in .build/story-tools.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
tools=$("$here/../../Scripts/python-tools" story-tools "$here/requirements.txt")
PATH="$tools:$PATH" exec python3 "$here/run.py" "$@"
