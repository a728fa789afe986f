"""Callbacks that cffi makes while the program runs, in memory of its own: ffi.callback().

With CALLBACKS_WAIT in the environment it says `ready` while its callbacks live, and goes on when it has read a line.
"""
import os
import sys

import cffi

ffi = cffi.FFI()
ffi.cdef("void qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *));")
library = ffi.dlopen(None)
NUMBERS = [(n * 7919) % 1009 for n in range(200)]


def by_remainder(divisor):
    """A callback of its own that sorts by the remainder, then by the number."""

    def key(pointer):
        number = ffi.cast("int *", pointer)[0]
        return (number % divisor, number)

    return ffi.callback("int(const void *, const void *)", lambda a, b: (key(a) > key(b)) - (key(a) < key(b)))


def first_of(compare):
    numbers = ffi.new("int[]", NUMBERS)
    library.qsort(numbers, len(NUMBERS), ffi.sizeof("int"), compare)
    return list(numbers)[:5]


def main():
    divisors = range(2, 60, 3)
    first = [by_remainder(divisor) for divisor in divisors]
    for divisor, compare in zip(divisors, first):
        print("by remainder of", divisor, first_of(compare))
    if "CALLBACKS_WAIT" in os.environ:
        print("ready", flush=True)
        sys.stdin.readline()
    print("again", first_of(first[3]))
    places = {int(ffi.cast("uintptr_t", compare)) for compare in first}
    del first, compare
    second = [by_remainder(divisor + 1) for divisor in divisors]
    print("in the same places:", len(places & {int(ffi.cast("uintptr_t", compare)) for compare in second}) > 0)
    for divisor, compare in zip(divisors, second):
        print("by remainder of", divisor + 1, first_of(compare))
    return 23


sys.exit(main())
