#!/usr/bin/env python3
"""Runs the console blocks of a page against a real server, and compares what they print with what the page says.

usage: run.py SERVER PAGE...

A line that begins with "$ " is a command, which goes on in the lines below it that are indented by four spaces, and after <<'EOF'
up to the line EOF; the lines up to the next command are its output. In the output "…" stands for anything. All blocks of a page run
in one shell, beside a server of their own; REJOIN is the command line tool, SERVER the server's address. DEVICE and ESTIMATES are
the programs `rejoin-device` and `estimates`, which lie beside it. What they keep outside of their databases goes into a home of the page's own.
"""

import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

END = "--- end of output ---"


def steps(text):
    """(command, expected output) pairs of all console blocks."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```", text, re.S | re.M):
        lines = block.split("\n")[:-1]
        index = 0
        while index < len(lines):
            assert lines[index].startswith("$ "), f"a block begins with a command, not with {lines[index]!r}"
            command = [lines[index][2:]]
            index += 1
            if "<<'EOF'" in command[0]:
                end = lines.index("EOF", index) + 1
                command += lines[index:end]
                index = end
            while index < len(lines) and lines[index].startswith("    "):
                command.append(lines[index])
                index += 1
            output = []
            while index < len(lines) and not lines[index].startswith("$ "):
                output.append(lines[index])
                index += 1
            found.append(("\n".join(command), "\n".join(output)))
    return found


def matches(expected, actual):
    pattern = ".*?".join(re.escape(part) for part in expected.strip().split("…"))
    return re.fullmatch(pattern, actual.strip(), re.S) is not None


def run(server, page):
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        data = folder + "/data"
        programs = pathlib.Path(server).resolve().parent
        root = pathlib.Path(__file__).resolve().parents[2]
        process = subprocess.Popen(
            [server, "serve", "--port", "0", "--data", data, "--log-level", "error", "--collections",
             str(root / "Schemas/Examples/contractor.yaml")], stdout=subprocess.PIPE, text=True)
        try:
            address = re.search(r"http://\S+?:\d+", process.stdout.readline()).group(0)
            shell = subprocess.Popen(
                ["bash"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder,
                env=dict(
                    os.environ, HOME=folder, REJOIN=str(pathlib.Path(server).resolve()), SERVER=address, DATA=data,
                    DEVICE=str(programs / "rejoin-device"), ESTIMATES=str(programs / "estimates")))
            for command, expected in steps(page.read_text()):
                shell.stdin.write(f"{command}\nprintf '\\n%s\\n' '{END}'\n")
                shell.stdin.flush()
                lines = []
                for line in shell.stdout:
                    if line.rstrip("\n") == END:
                        break
                    lines.append(line)
                actual = "".join(lines)
                if matches(expected, actual):
                    passed += 1
                else:
                    failed += 1
                    print(f"{page}: $ {command}\n--- the page says\n{expected}\n--- the server says\n{actual.strip()}\n")
            shell.stdin.close()
            shell.wait()
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
    return passed, failed


def main():
    server = sys.argv[1]
    passed = failed = 0
    for page in sys.argv[2:]:
        counts = run(server, pathlib.Path(page))
        passed += counts[0]
        failed += counts[1]
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


sys.exit(main())
