/**
 * Builds the project: checks and compiles every file, then puts the command and each of its threads into one file.
 *
 * Starting is part of what a run costs, and a hundred small modules take longer to load than to run; so does a large one
 * that is mostly names. A CommonJS file is also loaded without libuv's thread pool, whose only thread ends when a program is under way.
 *
 * To compile such a file takes V8 longer than all else that the supervisor does in a start. So what V8 makes of it is kept
 * beside it, and each file is loaded by a small one of its name (loader).
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const compiler = fileURLToPath(new URL('node_modules/.bin/tsc', import.meta.url));
const compiled = spawnSync(compiler, ['-p', 'tsconfig.json'], { stdio: 'inherit' });
if (compiled.status !== 0) process.exit(1);

const entryPoints = {
  trampfd: 'src/cli/trampfd.ts',
  receive: 'src/supervisor/receive.ts',
  trace: 'src/supervisor/emulation/trace.ts',
};

await build({
  entryPoints,
  outdir: 'dist/bin/code',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  external: ['koffi'],
  define: { 'import.meta.url': 'moduleUrl' },
  banner: {
    js:
      // What Node.js itself puts around a CommonJS file.
      '(function (exports, require, module, __filename, __dirname) {' +
      "const moduleUrl = require('node:url').pathToFileURL(__filename).href;" +
      // Node.js has the symbol from 20.4 on.
      "Symbol.dispose ??= Symbol.for('Symbol.dispose');",
  },
  footer: { js: '})' },
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
});

/**
 * What loads a file: with what V8 made of it when it was built, where that is of this very text. V8 itself takes it from no
 * other version, nor with other options (--jitless), and compiles the text then, as where there is none.
 */
const loader = (name) => `'use strict';
const { readFileSync } = require('node:fs');
const { Script } = require('node:vm');
const filename = __dirname + '/code/${name}.cjs';
const source = readFileSync(filename);
let cachedData;
try {
  const cache = readFileSync(__dirname + '/code/${name}.cache');
  const end = cache.length - source.length;
  if (end > 0 && cache.subarray(end).equals(source)) cachedData = cache.subarray(0, end);
} catch {}
const script = new Script(source.toString('latin1'), { filename, cachedData });
script.runInThisContext()(exports, require, module, __filename, __dirname);
`;

/** Keeps what V8 makes of files, all functions of them, and the text itself behind it. */
const keep = `
const { readFileSync, writeFileSync } = require('node:fs');
const { setFlagsFromString } = require('node:v8');
const { Script } = require('node:vm');
for (const name of process.argv.slice(1)) {
  const source = readFileSync(name + '.cjs');
  if (source.some((byte) => byte > 127)) throw new Error(name + ' is not ASCII');
  setFlagsFromString('--no-lazy');
  const script = new Script(source.toString('latin1'), { filename: name + '.cjs' });
  // As it will be started: what is kept names the options that it was made with.
  setFlagsFromString('--lazy');
  writeFileSync(name + '.cache', Buffer.concat([script.createCachedData(), source]));
}
`;

const names = Object.keys(entryPoints);
for (const name of names) writeFileSync(new URL(`dist/bin/${name}.cjs`, import.meta.url), loader(name));
// Without NODE_OPTIONS, which the command is started without.
const kept = spawnSync(process.execPath, ['-e', keep, ...names], {
  cwd: new URL('dist/bin/code', import.meta.url),
  env: {},
  stdio: 'inherit',
});
if (kept.status !== 0) process.exit(1);

/**
 * A shared object of x86-64 whose one segment is writable and executable (elf(5)); nothing in it is ever executed. The
 * launcher has the dynamic loader map it, and so learns whether such memory is refused here.
 */
function writableCode() {
  const [EHDR, PHDR, SEGMENTS, DYNAMIC] = [64, 56, 3, 5];
  const dynamic = EHDR + SEGMENTS * PHDR;
  const symbols = dynamic + DYNAMIC * 16;
  const strings = symbols + 24;
  const size = strings + 8;
  const file = Buffer.alloc(size);
  const words = (at, ...values) => {
    for (const [index, value] of values.entries()) file.writeBigUInt64LE(BigInt(value), at + index * 8);
  };
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  // e_type ET_DYN, e_machine EM_X86_64, e_version; e_phoff; sizes and numbers of headers.
  file.writeUInt16LE(3, 16);
  file.writeUInt16LE(62, 18);
  file.writeUInt32LE(1, 20);
  words(32, EHDR);
  for (const [index, value] of [EHDR, PHDR, SEGMENTS, 64].entries()) file.writeUInt16LE(value, 52 + index * 2);
  const segment = (index, type, flags, at, length, align) => {
    file.writeUInt32LE(type, EHDR + index * PHDR);
    file.writeUInt32LE(flags, EHDR + index * PHDR + 4);
    words(EHDR + index * PHDR + 8, at, at, at, length, length, align);
  };
  const [R, RW, RWX] = [4, 6, 7];
  segment(0, 1, RWX, 0, size, 0x1000); // PT_LOAD
  segment(1, 2, R, dynamic, DYNAMIC * 16, 8); // PT_DYNAMIC
  segment(2, 0x6474e551, RW, 0, 0, 16); // PT_GNU_STACK
  // DT_STRTAB, DT_STRSZ, DT_SYMTAB, DT_SYMENT, DT_NULL
  words(dynamic, 5, strings, 10, 8, 6, symbols, 11, 24, 0, 0);
  return file;
}

writeFileSync(new URL('dist/bin/writable_code.so', import.meta.url), writableCode());
