"""Callbacks of ctypes: qsort() of the C library asks Python how two numbers compare.

With CALLBACKS_WAIT in the environment it says `ready` while its callbacks live, and goes on when it has read a line.
"""
import ctypes
import gc
import os
import sys

library = ctypes.CDLL(None)
Compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
library.qsort.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, Compare]
library.qsort.restype = None
NUMBERS = [(n * 7919) % 1009 for n in range(200)]


def by_distance(middle):
    """A callback of its own that sorts by the distance from a number."""
    return Compare(lambda a, b: (abs(a[0] - middle) > abs(b[0] - middle)) - (abs(a[0] - middle) < abs(b[0] - middle)))


def nearest(compare):
    """The numbers that come first when the C library sorts them."""
    numbers = (ctypes.c_int * len(NUMBERS))(*NUMBERS)
    library.qsort(numbers, len(NUMBERS), ctypes.sizeof(ctypes.c_int), compare)
    return list(numbers)[:4]


def place(compare):
    return ctypes.cast(compare, ctypes.c_void_p).value


def main():
    middles = range(0, 1000, 50)
    first = [by_distance(middle) for middle in middles]
    for middle, compare in zip(middles, first):
        print("near", middle, nearest(compare))
    if "CALLBACKS_WAIT" in os.environ:
        print("ready", flush=True)
        sys.stdin.readline()
    print("again", nearest(first[7]))
    places = {place(compare) for compare in first}
    # What was cast refers to itself: it is not freed before somebody collects.
    del first, compare
    gc.collect()
    second = [by_distance(middle + 25) for middle in middles]
    print("in the same places:", len(places & {place(compare) for compare in second}) > 0)
    for middle, compare in zip(middles, second):
        print("near", middle + 25, nearest(compare))
    return 21


sys.exit(main())
