"""Callbacks of ctypes from many threads: some that Python started, and some that the C library did.

With CALLBACKS_WAIT in the environment it says `ready` while its callbacks live, and goes on when it has read a line.
"""
import ctypes
import os
import sys
import threading

library = ctypes.CDLL(None)
Compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
Start = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
THREADS = 8


def sort(compare, numbers):
    array = (ctypes.c_int * len(numbers))(*numbers)
    library.qsort(array, len(numbers), ctypes.sizeof(ctypes.c_int), compare)
    return list(array)


def side_by_side(shared):
    """Threads of Python that sort at once, with one callback that all use and one of each one's own."""
    results = [None] * THREADS

    def work(index):
        backwards = Compare(lambda a, b: b[0] - a[0])
        numbers = [(n * 31 + index) % 97 for n in range(60)]
        for _ in range(20):
            ordered = sort(shared, numbers)
            reverse = sort(backwards, numbers)
            if ordered != sorted(numbers) or reverse != ordered[::-1]:
                return
        results[index] = sum(n * place for place, n in enumerate(ordered))

    threads = [threading.Thread(target=work, args=(index,)) for index in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def started_by_c(start):
    """Threads that pthread_create() starts in a callback."""
    handles = [ctypes.c_void_p() for _ in range(THREADS)]
    for index, handle in enumerate(handles):
        assert library.pthread_create(ctypes.byref(handle), None, start, ctypes.c_void_p(index + 1)) == 0
    results = []
    for handle in handles:
        result = ctypes.c_void_p()
        assert library.pthread_join(handle, ctypes.byref(result)) == 0
        results.append(result.value)
    return results


def main():
    shared = Compare(lambda a, b: a[0] - b[0])
    start = Start(lambda argument: argument * 1000 + 7)
    print("threads of Python", side_by_side(shared))
    print("threads of C", started_by_c(start))
    if "CALLBACKS_WAIT" in os.environ:
        print("ready", flush=True)
        sys.stdin.readline()
    print("again", started_by_c(start), sort(shared, [3, 1, 2]))
    del start
    start = Start(lambda argument: argument * 10)
    print("replaced", started_by_c(start), side_by_side(shared))
    return 22


sys.exit(main())
