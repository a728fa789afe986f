/**
 * When many files were changed, asked of the kernel by one native call (statx(2)): JavaScript takes ten times as long for
 * each as the kernel does.
 *
 * @module
 */
import { STATX } from '../abi/fcntl.js';
import { allocate, type NativeFunction, nativeAt } from './libc.js';
import { mapCode } from './own_code.js';

/**
 * A function of C that is given names, one behind the other, the answers' place, how many there are, and a struct statx:
 * `push %rbx; push %rbp; push %r12; push %r13; mov %rdi,%rbx; mov %rsi,%rbp; mov %rdx,%r12; mov %rcx,%r13; 1: test %r12,%r12;
 * jz 3f; mov $SYS_statx,%eax; mov $AT_FDCWD,%edi; mov %rbx,%rsi; xor %edx,%edx; mov $STATX_MTIME,%r10d; mov %r13,%r8; syscall;
 * mov %eax,(%rbp); mov 120(%r13),%eax; mov %eax,4(%rbp); mov 112(%r13),%rax; mov %rax,8(%rbp); add $16,%rbp; 2: inc %rbx;
 * cmpb $0,-1(%rbx); jne 2b; dec %r12; jmp 1b; 3: pop %r13; pop %r12; pop %rbp; pop %rbx; ret`.
 */
const CODE = Uint8Array.from([
  ...[0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x48, 0x89, 0xfb, 0x48, 0x89, 0xf5, 0x49, 0x89, 0xd4, 0x49, 0x89, 0xcd],
  ...[0x4d, 0x85, 0xe4, 0x74, 0x3e, 0xb8, 0x4c, 0x01, 0x00, 0x00, 0xbf, 0x9c, 0xff, 0xff, 0xff, 0x48, 0x89, 0xde],
  ...[0x31, 0xd2, 0x41, 0xba, 0x40, 0x00, 0x00, 0x00, 0x4d, 0x89, 0xe8, 0x0f, 0x05, 0x89, 0x45, 0x00, 0x41, 0x8b],
  ...[0x45, 0x78, 0x89, 0x45, 0x04, 0x49, 0x8b, 0x45, 0x70, 0x48, 0x89, 0x45, 0x08, 0x48, 0x83, 0xc5, 0x10, 0x48],
  ...[0xff, 0xc3, 0x80, 0x7b, 0xff, 0x00, 0x75, 0xf7, 0x49, 0xff, 0xcc, 0xeb, 0xbd, 0x41, 0x5d, 0x41, 0x5c, 0x5d],
  ...[0x5b, 0xc3],
]);

/** An answer: the call's result, the time's nanoseconds, and its seconds. */
const ANSWER = { result: 0, nanoseconds: 4, seconds: 8, size: 16 } as const;

let ask: NativeFunction | undefined;

/**
 * When files were changed, links followed: milliseconds, as `mtimeMs` of fs.Stats has them; undefined of a file that cannot
 * be looked at.
 *
 * @param paths - with a character for each byte
 * @throws TrampfdError as {@link mapCode} does; RangeError for a path with a zero
 */
export function changeTimes(paths: readonly string[]): readonly (number | undefined)[] {
  if (paths.some((path) => path.includes('\0'))) throw new RangeError('no path has a zero');
  ask ??= nativeAt(mapCode(CODE), 'void trampfd_change_times(uint8_t *, uint8_t *, uint64_t, uint64_t)');
  const names = Buffer.from(`${paths.join('\0')}\0`, 'latin1');
  const answers = new Uint8Array(ANSWER.size * paths.length);
  ask(names, answers, paths.length, allocate(STATX.size).address);
  const view = new DataView(answers.buffer);
  return paths.map((_, index) => {
    const at = index * ANSWER.size;
    if (view.getInt32(at + ANSWER.result, true) < 0) return undefined;
    const low = view.getUint32(at + ANSWER.seconds, true);
    const seconds = view.getInt32(at + ANSWER.seconds + 4, true) * 2 ** 32 + low;
    return seconds * 1000 + view.getUint32(at + ANSWER.nanoseconds, true) / 1_000_000;
  });
}
