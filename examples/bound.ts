/**
 * Bound functions in a Node.js process that has no memory which is both writable and executable.
 *
 * First it does what many libraries do: it asks for such memory, and writes a trampoline to it.
 *
 * A trampoline loads two registers and jumps. Here the data register is the one in which a C function expects its first
 * argument, and the code is a function of the C library: so each trampoline is that function with its argument filled in.
 * By itself the example finds that nobody makes trampolines for it; under `trampfd run -- node --jitless` it has them.
 *
 * @module
 */
import { readFileSync, writeSync } from 'node:fs';
import koffi from 'koffi';
import { MAP, PROT } from '../src/abi/mman.js';
import { TRAMPFD } from '../src/abi/trampfd.js';
import { describe } from '../src/trampoline/describe.js';
import { recognise } from '../src/trampoline/recognise.js';
import { registerByName } from '../src/trampoline/registers.js';

const libc = koffi.load(null);
/** trampfd(2): number 440. The arguments behind the first are ones that process_madvise(2), the number's other use, refuses. */
const syscall = libc.func('long syscall(long, void *, void *, size_t, long, size_t)');
const pwrite = libc.func('long pwrite(int, const void *, size_t, long)');
const mmap = libc.func('int64_t mmap(void *, size_t, int, int, int, long)');
const mprotect = libc.func('int mprotect(int64_t, size_t, int)');
const calloc = libc.func('void *calloc(size_t, size_t)');
const fflush = libc.func('int fflush(void *)');
const dlsym = libc.func('void *dlsym(void *, const char *)');

const PAGE = 4096;

function say(text: string): void {
  writeSync(1, `${text}\n`);
}

/** What a call that returned -1 has failed with. */
function errno(): string {
  const number = koffi.errno();
  return Object.entries(koffi.os.errno).find(([, value]) => value === number)?.[0] ?? String(number);
}

/** Memory of C's for so many bytes: its address, and a view to fill it in. */
function allocate(size: number): { address: bigint; view: DataView } {
  const address = BigInt(calloc(1, size));
  return { address, view: new DataView(koffi.view(address, size)) };
}

function cString(text: string): bigint {
  const bytes = Buffer.from(`${text}\0`);
  const { address, view } = allocate(bytes.length);
  bytes.forEach((byte, index) => {
    view.setUint8(index, byte);
  });
  return address;
}

/** The line of /proc/self/maps of the mapping that an address is in. */
function mappingAt(address: bigint): string {
  const lines = readFileSync('/proc/self/maps', 'utf8').split('\n');
  const found = lines.find((line) => {
    const [, start = '0', end = '0'] = /^([0-9a-f]+)-([0-9a-f]+) /.exec(line) ?? [];
    return address >= BigInt(`0x${start}`) && address < BigInt(`0x${end}`);
  });
  return found ?? '';
}

/** A trampoline as GCC writes it for a nested function: it loads r11 with the function, r10 with its data, and jumps to r11. */
function gccTrampoline(target: bigint, data: bigint): Uint8Array {
  const code = Buffer.from(`49bb${'00'.repeat(8)}49ba${'00'.repeat(8)}49ffe390`, 'hex');
  code.writeBigUInt64LE(target, 2);
  code.writeBigUInt64LE(data, 12);
  return code;
}

/** Asks for a page that is writable and executable, as libffi and GCC's nested functions do, and calls what it writes there. */
function tryWritableAndExecutable(): void {
  const address = BigInt(
    mmap(null, PAGE, PROT.PROT_READ | PROT.PROT_WRITE | PROT.PROT_EXEC, MAP.MAP_PRIVATE | MAP.MAP_ANONYMOUS, -1, 0),
  );
  if (address === -1n) {
    say(`  a page that is writable and executable?  refused, ${errno()}`);
    return;
  }
  const [, permissions = ''] = mappingAt(address).split(' ');
  const isExecuted = permissions.includes('x');
  const meaning = isExecuted ? 'an attacker who can write can run code' : 'nothing that is written there is executed';
  say(`  a page that is writable and executable?  granted, ${permissions}: ${meaning}`);
  new Uint8Array(koffi.view(address, PAGE)).set(gccTrampoline(BigInt(dlsym(null, 'getpid')), 0n));
  const result: unknown = koffi.call(address, koffi.proto('int getpid_through_written_code()'));
  say(`  a trampoline that is written there?      ${isExecuted ? 'executed' : 'emulated'}, getpid() = ${result}`);
}

/** Three functions of the C library, each with its first argument. */
const BOUND: readonly { name: string; prototype: string; argument: string }[] = [
  {
    name: 'puts',
    prototype: 'int puts()',
    argument: '  (this line is printed by a puts() that was given no argument)',
  },
  { name: 'getenv', prototype: 'const char *getenv()', argument: 'HOME' },
  { name: 'strlen', prototype: 'size_t strlen()', argument: 'trampoline' },
];

function main(): void {
  tryWritableAndExecutable();

  const info = allocate(16);
  const descriptor = Number(syscall(TRAMPFD.SYS_trampfd, info.address, null, -1, -1, -1));
  if (descriptor < 0) {
    say(`  trampolines, made by somebody trusted?   there is nobody to ask`);
    return;
  }
  say(`  trampolines, made by somebody trusted?   yes, descriptor ${descriptor}`);

  const code = allocate(8 * BOUND.length);
  const data = allocate(8 * BOUND.length);
  BOUND.forEach(({ name, argument }, index) => {
    code.view.setBigUint64(8 * index, BigInt(dlsym(null, name)), true);
    data.view.setBigUint64(8 * index, cString(argument), true);
  });
  const codeDescriptor = Buffer.alloc(16);
  codeDescriptor.writeUInt32LE(BOUND.length, 0);
  codeDescriptor.writeUInt32LE(registerByName('x86-64', 'r11').number, 4);
  codeDescriptor.writeBigUInt64LE(code.address, 8);
  const dataDescriptor = Buffer.alloc(16);
  dataDescriptor.writeUInt32LE(registerByName('x86-64', 'rdi').number, 0);
  dataDescriptor.writeBigUInt64LE(data.address, 8);
  if (
    Number(pwrite(descriptor, codeDescriptor, 16, TRAMPFD.TRAMPFD_CODE)) !== 16 ||
    Number(pwrite(descriptor, dataDescriptor, 16, TRAMPFD.TRAMPFD_DATA)) !== 16
  ) {
    throw new Error(`the table was not taken: ${errno()}`);
  }
  const codeOffset = info.view.getUint32(8, true);
  const base = BigInt(mmap(null, PAGE, PROT.PROT_READ | PROT.PROT_EXEC, MAP.MAP_SHARED, descriptor, codeOffset));
  if (base === -1n) throw new Error(`the table was not mapped: ${errno()}`);
  const slotSize = info.view.getUint32(4, true);

  say('\n  three functions of the C library, each bound to its argument, called through their trampolines:');
  BOUND.forEach(({ prototype, name, argument }, index) => {
    const result: unknown = koffi.call(
      base + BigInt(slotSize * index),
      koffi.proto(prototype.replace(name, `${name}_bound`)),
    );
    fflush(null);
    if (name !== 'puts') say(`  ${name}(${JSON.stringify(argument)}) = ${JSON.stringify(result)}`);
  });

  const bytes = new Uint8Array(koffi.view(base, PAGE)).slice(0, slotSize);
  const first = recognise(bytes, base, 'x86-64');
  if (first === undefined) throw new Error('the first trampoline is not recognised');
  say(
    `\n  the first of them, as it stands in memory:\n${describe(first, base, 'x86-64').trimEnd().replace(/^/gm, '    ')}`,
  );

  say(`\n  its page in /proc/self/maps (readable, executable, never writable):\n    ${mappingAt(base)}`);
  const opened = Number(mprotect(base, PAGE, PROT.PROT_READ | PROT.PROT_WRITE | PROT.PROT_EXEC));
  say(`  and if someone tries to write there?     ${opened === 0 ? 'he can' : `refused, ${errno()}`}`);
}

main();
