"""usage: sorting.py NUMBERS

The C library's qsort with a comparison in Python, by ctypes: a callback for each comparison, through a closure of libffi.
Prints the seconds from before ctypes is imported to after the numbers are sorted.
"""

import sys
import time

start = time.monotonic()

import ctypes

count = int(sys.argv[1])
state, numbers = 1, []
for _ in range(count):
    state = state * 48271 % 2147483647
    numbers.append(state)
pointer = ctypes.POINTER(ctypes.c_int)


@ctypes.CFUNCTYPE(ctypes.c_int, pointer, pointer)
def compare(a, b):
    return (a[0] > b[0]) - (a[0] < b[0])


array = (ctypes.c_int * count)(*numbers)
ctypes.CDLL(None).qsort(array, count, ctypes.sizeof(ctypes.c_int), compare)
assert list(array) == sorted(numbers)
print(time.monotonic() - start)
