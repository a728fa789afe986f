"""A session of Python: threads, processes that share memory, files, mappings, a database, encrypted connections.

Prints one line for each part. What it prints is the same in every run.
"""
import array
import hashlib
import mmap
import multiprocessing
import os
import queue
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
from multiprocessing import shared_memory


def digest(text, rounds=4000):
    state = text.encode()
    for _ in range(rounds):
        state = hashlib.sha256(state).digest()
    return state.hex()[:16]


def threads():
    """Eight threads that compute, and hand their results over a queue."""
    results = queue.Queue()
    started = [threading.Thread(target=lambda n=n: results.put((n, digest(f"thread {n}")))) for n in range(8)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    return sorted(results.get() for _ in started)


def programs():
    """Other programs, through pipes and through a shell."""
    sort = subprocess.run(["sort", "-n"], input="3\n1\n2\n", capture_output=True, text=True, check=True)
    shell = subprocess.run("echo $((6 * 7)); exit 3", shell=True, capture_output=True, text=True)
    python = subprocess.run([sys.executable, "-c", "print(sum(range(100)))"], capture_output=True, text=True, check=True)
    return sort.stdout.split(), shell.stdout.strip(), shell.returncode, python.stdout.strip()


def add(counter, block, lock, amount):
    memory = shared_memory.SharedMemory(name=block)
    for _ in range(500):
        with lock:
            counter.value += amount
            memory.buf[0] = (memory.buf[0] + amount) % 256
    memory.close()


def processes(method):
    """Processes that count in shared memory, kept apart by a semaphore; and a pool that computes."""
    context = multiprocessing.get_context(method)
    memory = shared_memory.SharedMemory(create=True, size=4096)
    try:
        counter = context.Value("q", 0, lock=False)
        lock = context.Semaphore(1)
        started = [context.Process(target=add, args=(counter, memory.name, lock, n)) for n in (1, 2, 3)]
        for process in started:
            process.start()
        for process in started:
            process.join()
        with context.Pool(2) as pool:
            digests = pool.map(digest, ["a", "b", "c", "d"])
        return counter.value, memory.buf[0], [process.exitcode for process in started], digests
    finally:
        memory.close()
        memory.unlink()


def files():
    """Temporary files, without a name too; locks; a file that is only in memory."""
    with tempfile.TemporaryFile() as unnamed, tempfile.NamedTemporaryFile() as named:
        unnamed.write(b"unnamed" * 1000)
        unnamed.seek(0)
        named.write(unnamed.read())
        named.flush()
        with open(named.name, "rb") as again:
            copied = hashlib.sha256(again.read()).hexdigest()[:16]
    with tempfile.TemporaryDirectory() as folder:
        os.symlink("nowhere", f"{folder}/link")
        names = os.listdir(folder)
    memory = os.memfd_create("notes")
    os.write(memory, b"kept in memory")
    os.ftruncate(memory, 8192)
    kept = os.pread(memory, 14, 0), os.fstat(memory).st_size, os.readlink(f"/proc/self/fd/{memory}")
    with mmap.mmap(memory, 8192) as mapping:
        mapping[0:4] = b"KEPT"
    kept += (os.pread(memory, 4, 0),)
    return copied, names, kept


def mappings():
    """Memory of its own, a file that is changed through its mapping, and one that only this process sees changed."""
    anonymous = mmap.mmap(-1, 1 << 20)
    anonymous[:] = bytes(range(256)) * 4096
    own = hashlib.sha256(anonymous).hexdigest()[:16]
    with open("mapped", "w+b") as file:
        file.write(b"0" * 100000)
        file.flush()
        with mmap.mmap(file.fileno(), 0) as shared:
            shared[5000:5005] = b"SHARE"
            shared.flush()
        with mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE) as private:
            private[0:7] = b"PRIVATE"
            seen = private[0:7]
    with open("mapped", "rb") as file:
        content = file.read()
    return own, seen, content[0:7], content[5000:5005]


def database():
    """A database in a file: written by one connection, read by another, in the mode that maps an index."""
    with sqlite3.connect("python.db") as connection:
        connection.execute("pragma journal_mode=wal")
        connection.execute("pragma mmap_size=1048576")
        connection.execute("create table numbers (n integer primary key, square integer)")
        connection.executemany("insert into numbers values (?, ?)", ((n, n * n) for n in range(2000)))
        connection.create_function("twice", 1, lambda value: 2 * value)
        twice = connection.execute("select sum(twice(square)) from numbers").fetchone()
    reader = sqlite3.connect("python.db")
    return twice, reader.execute("select count(*), max(square) from numbers").fetchone()


def encrypted():
    """A server and a client that speak TLS with a certificate made on the spot."""
    subprocess.run(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost "
        "-addext subjectAltName=DNS:localhost -keyout key.pem -out certificate.pem".split(),
        check=True,
        capture_output=True,
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain("certificate.pem", "key.pem")
    client = ssl.create_default_context(cafile="certificate.pem")
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            accepted, _ = listening.accept()
            with server.wrap_socket(accepted, server_side=True) as connection:
                for line in connection.makefile("rb"):
                    connection.sendall(line.upper())

        thread = threading.Thread(target=serve)
        thread.start()
        with socket.create_connection(listening.getsockname()) as plain:
            with client.wrap_socket(plain, server_hostname="localhost") as connection:
                answers = []
                with connection.makefile("rwb") as stream:
                    for n in range(50):
                        stream.write(f"line {n}\n".encode())
                        stream.flush()
                        answers.append(stream.readline())
                version = connection.version()
        thread.join()
    return version, len(answers), answers[49]


def signals():
    """A signal that is handled, and a child that dies of one."""
    seen = []
    signal.signal(signal.SIGUSR1, lambda number, _: seen.append(number))
    os.kill(os.getpid(), signal.SIGUSR1)
    child = os.fork()
    if child == 0:
        signal.pause()
        os._exit(0)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return seen, os.WTERMSIG(status)


def extensions():
    """Modules that are shared libraries: loaded, and called."""
    import bz2
    import ctypes
    import decimal
    import lzma
    import zlib

    text = b"compress me " * 500
    sizes = [len(module.compress(text)) for module in (zlib, bz2, lzma)]
    length = ctypes.CDLL(None).strlen(b"twelve bytes")
    return sizes, length, str(decimal.Decimal(2).sqrt()), array.array("d", [1.5, 2.5]).tobytes().hex()


if __name__ == "__main__":
    for name, part in {
        "threads": threads,
        "programs": programs,
        "fork": lambda: processes("fork"),
        "spawn": lambda: processes("spawn"),
        "forkserver": lambda: processes("forkserver"),
        "files": files,
        "mappings": mappings,
        "database": database,
        "encrypted": encrypted,
        "signals": signals,
        "extensions": extensions,
    }.items():
        print(name, part(), flush=True)
