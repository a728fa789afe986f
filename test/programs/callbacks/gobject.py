"""Callbacks of GObject's libraries into Python, through their introspection.

With CALLBACKS_WAIT in the environment it says `ready` while its callbacks live, and goes on when it has read a line.
"""
import os
import sys

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib, GObject  # noqa: E402


class Number(GObject.Object):
    def __init__(self, value):
        super().__init__()
        self.value = value


def store_of(count):
    store = Gio.ListStore()
    for n in range(count):
        store.append(Number((n * 7919) % 1009))
    return store


def nearest(store, middle):
    """The numbers that come first when GLib sorts them by the distance from a number."""
    store.sort(lambda a, b: abs(a.value - middle) - abs(b.value - middle) or a.value - b.value)
    return [store[n].value for n in range(4)]


def rounds(loop, steps, results):
    """Lets the main loop call back a number of times."""
    left = [steps]

    def step():
        results.append(left[0] * steps)
        left[0] -= 1
        if left[0] == 0:
            loop.quit()
        return left[0] > 0

    if GLib.idle_add(step) == 0:
        sys.exit("no callback")
    loop.run()


def main():
    store, loop = store_of(200), GLib.MainLoop()
    for middle in range(0, 1000, 50):
        print("near", middle, nearest(store, middle))
    results = []
    rounds(loop, 5, results)
    # This one is not called before the line is read: it lives meanwhile.
    GLib.idle_add(lambda: results.append("kept"))
    if "CALLBACKS_WAIT" in os.environ:
        print("ready", flush=True)
        sys.stdin.readline()
    rounds(loop, 4, results)
    rounds(loop, 3, results)
    print("called", results)
    for middle in range(25, 1000, 50):
        print("near", middle, nearest(store, middle))
    return 27


sys.exit(main())
