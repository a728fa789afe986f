"""Plays a person at a terminal: runs a program on a pseudo-terminal of its own and works through a list of steps.

usage: terminal.py STEPS PROGRAM [ARGUMENT ...]

STEPS is JSON, a list of ["expect", REGULAR EXPRESSION], ["type", TEXT], ["signal", NUMBER] (to the program's process id),
["resize", ROWS, COLUMNS]. What an expectation has matched does not match again. Prints the end of the program and all
that it wrote, as JSON: {"output": TEXT, "status": NUMBER or null, "signal": NUMBER or null, "failed": TEXT or null}.
"""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

PATIENCE = 20


def main():
    steps = json.loads(sys.argv[1])
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.argv[2], sys.argv[2:])
    output = ""
    seen = 0
    failed = None

    def read_some(wait):
        nonlocal output
        if not select.select([terminal], [], [], wait)[0]:
            return True
        try:
            data = os.read(terminal, 65536)
        except OSError:
            return False
        output += data.decode("utf-8", "replace")
        return data != b""

    for step in steps:
        kind = step[0]
        if kind == "type":
            os.write(terminal, step[1].encode())
        elif kind == "signal":
            os.kill(child, step[1])
        elif kind == "resize":
            fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", step[1], step[2], 0, 0))
        else:
            until = time.monotonic() + PATIENCE
            while not (found := re.search(step[1], output[seen:])):
                if time.monotonic() > until or not read_some(1):
                    break
            if not found:
                failed = step[1]
                break
            seen += found.end()
    if failed is None:
        until = time.monotonic() + PATIENCE
        while read_some(1):
            if time.monotonic() > until:
                failed = "the end"
                break
    if failed is not None:
        os.kill(child, signal.SIGCONT)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    print(json.dumps({
        "output": output.replace("\r\n", "\n"),
        "status": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
        "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
        "failed": failed,
    }))


main()
