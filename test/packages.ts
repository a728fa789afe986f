/**
 * The system packages that the tests need: installed when root, else named in one command.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

/** Debian's packages, for what each is needed. */
const PACKAGES: Readonly<Record<string, string>> = {
  gcc: 'test programs for x86-64',
  'g++': 'the header from C++',
  gfortran: 'a program with trampolines on its stack',
  'libc6-dev': 'headers that the tables of constants are held against',
  'gcc-12-multilib': 'test programs for i386',
  'libc6-dev-i386': 'test programs for i386',
  'gcc-aarch64-linux-gnu': 'execution of arm64 trampolines',
  'libc6-dev-arm64-cross': 'execution of arm64 trampolines',
  'gcc-arm-linux-gnueabihf': 'execution of arm trampolines',
  'libc6-dev-armhf-cross': 'execution of arm trampolines',
  'gcc-riscv64-linux-gnu': 'execution of riscv64 trampolines',
  'libc6-dev-riscv64-cross': 'execution of riscv64 trampolines',
  'gcc-powerpc64le-linux-gnu': 'execution of ppc64le trampolines',
  'libc6-dev-ppc64el-cross': 'execution of ppc64le trampolines',
  'gcc-s390x-linux-gnu': 'execution of s390x trampolines',
  'libc6-dev-s390x-cross': 'execution of s390x trampolines',
  'qemu-user': "execution of other processors' trampolines",
  'binutils-multiarch': 'the foreign disassembler',
  'musl-tools': 'programs without glibc',
  runc: 'containers, in which programs are supervised',
  strace: 'a peer in the tests and benchmarks',
  'libffi-dev': 'programs with closures, in which trampolines are recognised, and a peer in the benchmarks',
  python3: 'a real program under supervision',
  'libpython3.11-testsuite': "CPython's own tests, under each policy",
  luajit: 'a runtime that writes code',
  'guile-3.0': 'a runtime that writes code',
  'php-cli': 'a runtime that writes code',
  ruby: 'a runtime that writes code',
  'erlang-base': 'a runtime that writes code',
  chezscheme: 'a runtime that writes code',
  'python3-cffi': 'a runtime that writes code',
  clisp: "callbacks of libffcall's",
  'libffcall-dev': 'programs with callbacks, in which trampolines are recognised',
  'python3-gi': 'callbacks of GObject into Python',
  'gir1.2-glib-2.0': 'callbacks of GObject into Python',
  procps: 'a real program under supervision',
  sqlite3: 'real programs under each policy',
  git: 'real programs under each policy',
  make: 'real programs under each policy',
  nginx: 'real programs under each policy',
  'apache2-utils': 'the load of the web server',
  'redis-tools': 'real programs under each policy: the server, under its load tool',
  curl: 'the client of the web server',
  openssl: 'certificates of servers, and a real program',
  'openssh-client': 'a real program: keys and signatures',
  'xz-utils': 'a real program: archives',
  perl: 'a real program under each policy',
  bsdutils: 'a real program: terminals',
  mandoc: "the manual page's check",
  'util-linux': 'terminals, namespaces and users of the tests',
};

/** Packages that kernels are booted with (test/machines), for what each is needed. */
const MACHINE_PACKAGES: Readonly<Record<string, string>> = {
  'qemu-system-x86': 'guests',
  seabios: 'guests',
  'ipxe-qemu': 'guests',
  debootstrap: 'the disk of guests',
  e2fsprogs: 'the disk of guests',
  kmod: "guests' modules",
  cpio: "guests' first file system",
  'xz-utils': "guests' modules",
  zstd: "guests' modules",
  'util-linux': 'the disk of guests',
};

/** A program that Debian's packages ask whether they may start their services. */
const SERVICE_POLICY = '/usr/sbin/policy-rc.d';

/** Installs packages, and starts no service of theirs, now or later: the tests need the programs alone. */
function install(names: readonly string[], options: string): void {
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const commands = ['update', `install -y ${options} ${names.join(' ')}`].map(
    (words) => `apt-get -q -o Acquire::Retries=3 ${words}`,
  );
  if (names.includes('nginx')) commands.push('update-rc.d nginx disable');
  const ownPolicy = !existsSync(SERVICE_POLICY);
  if (ownPolicy) writeFileSync(SERVICE_POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    for (const command of commands) {
      console.error(`test: ${command}`);
      const done = spawnSync('/bin/sh', ['-c', `${command} >&2`], { stdio: 'inherit', env: environment });
      if (done.status !== 0) throw new Error(`'${command}' failed`);
    }
  } finally {
    if (ownPolicy) rmSync(SERVICE_POLICY);
  }
}

function missingPackages(packages: Readonly<Record<string, string>>): string[] {
  return Object.keys(packages).filter((name) => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is dpkg-query's own template
    const query = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Status}', name], { encoding: 'utf8' });
    return query.stdout?.trim() !== 'installed';
  });
}

/** Makes sure that packages are there; ends the process with one command to type when it cannot. */
function ensure(packages: Readonly<Record<string, string>>, options: string): void {
  const missing = missingPackages(packages);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0) {
    const command = `sudo apt-get install -y ${options} ${missing.join(' ')}`;
    console.error(`test: these system packages are missing; install them with\n  ${command}`);
    process.exit(2);
  }
  try {
    install(missing, options);
  } catch (error) {
    console.error(`test: ${(error as Error).message}; the tests need these packages`);
    process.exit(2);
  }
}

/** Makes sure that every package of the tests is there. */
export function ensureSystemPackages(): void {
  ensure(PACKAGES, '');
}

/** Makes sure that every package is there that kernels are booted with, and those that compile the guests' programs. */
export function ensureMachinePackages(): void {
  ensure(PACKAGES, '');
  // QEMU recommends windows and sound.
  ensure(MACHINE_PACKAGES, '--no-install-recommends');
}
