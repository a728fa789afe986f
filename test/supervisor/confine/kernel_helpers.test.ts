/**
 * What the programs that the kernel starts are, and read: root's run can write none of it.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { namedProgram } from '../../../src/supervisor/confine/kernel_helpers.js';
import { run, SharedFolder, trampfd } from '../../cli/command.js';

const isRoot = process.getuid?.() === 0;

test('a setting names a program by a path; a pattern of core dumps does behind a bar', () => {
  const pattern = '/proc/sys/kernel/core_pattern';
  assert.equal(namedProgram(pattern, '|/usr/lib/systemd/systemd-coredump %P %u'), '/usr/lib/systemd/systemd-coredump');
  assert.equal(namedProgram(pattern, '/var/core.%p'), undefined);
  assert.equal(namedProgram(pattern, 'core'), undefined);
  assert.equal(namedProgram('/proc/sys/kernel/modprobe', '/sbin/modprobe'), '/sbin/modprobe');
  assert.equal(namedProgram('/proc/sys/kernel/hotplug', ''), undefined);
});

if (isRoot) {
  describe('under strict, root', () => {
    /** Runs a script in a mount namespace of its own, whose /etc is a copy that nobody else sees; `$T` starts under strict. */
    const script = (lines: readonly string[]): { readonly output: string; readonly errors: string } => {
      using folder = new SharedFolder();
      const prelude = [
        'set -e',
        `F=${folder.path} T="${trampfd} run --policy strict"`,
        'export F',
        'mkdir $F/etc $F/bin; cp -a /etc/. $F/etc; mkdir -p $F/etc/modprobe.d $F/etc/service/inner $F/etc/request-key.d $F/etc/network $F/etc/default',
        'mount --bind $F/etc /etc',
      ];
      const words = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', [...prelude, ...lines].join('\n')];
      const { status, output, errors } = run(words);
      assert.equal(status, 0, `${output}${errors}`);
      return { output, errors: errors.replaceAll(folder.path, 'F') };
    };

    test('makes no file in /etc, and writes none there, but in folders of services', () => {
      const { output } = script([
        `cat >$F/try <<'END'
          for at in ld.so.preload ld.so.cache ld.so.conf.d/x modprobe.conf modprobe.d/x request-key.conf request-key.d/x \\
            alternatives/x network/x default/x nsswitch.conf service/x service/inner/x; do
            (: >>/etc/$at) 2>/dev/null && echo "$at yes" || echo "$at no"
            (: >>$F/etc/$at) 2>/dev/null && echo "other $at yes"
          done
          mv /etc /gone 2>/dev/null || echo stays
          mv /etc/modprobe.d /etc/service/gone 2>/dev/null || mv $F/etc $F/gone 2>/dev/null || echo stays
END`,
        '$T -- sh $F/try',
      ]);
      assert.deepEqual(output.trimEnd().split('\n'), [
        ...['ld.so.preload', 'ld.so.cache', 'ld.so.conf.d/x', 'modprobe.conf', 'modprobe.d/x', 'request-key.conf'].map(
          (name) => `${name} no`,
        ),
        ...['request-key.d/x', 'alternatives/x', 'network/x', 'default/x', 'nsswitch.conf'].map((name) => `${name} no`),
        'service/x yes',
        'service/inner/x yes',
        'stays',
        'stays',
      ]);
    });

    test('makes no configuration of OpenSSL, which names libraries, also where there is none', () => {
      const { output } = script([
        'rm -rf $F/etc/ssl; mkdir -p $F/etc/ssl/certs $F/etc/pki/tls/openssl.d $F/etc/pki/tls/certs $F/etc/pki/other',
        `cat >$F/try <<'END'
          for at in ssl/openssl.cnf ssl/certs/x pki/tls/openssl.cnf pki/tls/openssl.d/x.cnf pki/tls/certs/x pki/other/x; do
            (: >>/etc/$at) 2>/dev/null && echo "$at yes" || echo "$at no"
          done
          for at in ssl pki/tls pki; do mv /etc/$at /etc/pki/other/gone 2>/dev/null || echo stays; done
END`,
        '$T -- sh $F/try',
      ]);
      assert.deepEqual(output.trimEnd().split('\n'), [
        ...['ssl/openssl.cnf no', 'ssl/certs/x yes'],
        ...['pki/tls/openssl.cnf no', 'pki/tls/openssl.d/x.cnf no', 'pki/tls/certs/x yes', 'pki/other/x yes'],
        ...['stays', 'stays', 'stays'],
      ]);
    });

    test('of a container without privilege makes none either, for the next supervisor is read with them', () => {
      const { output } = script([
        'mkdir -p $F/etc/ssl',
        `cat >$F/try <<'END'
          for at in ld.so.preload ld.so.cache ld.so.conf.d/x alternatives/x nsswitch.conf service/x; do
            (: >>/etc/$at) 2>/dev/null && echo "$at yes" || echo "$at no"
            (: >>$F/etc/$at) 2>/dev/null && echo "other $at yes"
          done
          mv /etc /gone 2>/dev/null || echo stays
END`,
        'unshare --user --map-root-user $T -- sh $F/try',
      ]);
      assert.deepEqual(output.trimEnd().split('\n'), [
        ...['ld.so.preload', 'ld.so.cache', 'ld.so.conf.d/x', 'alternatives/x', 'nsswitch.conf'].map(
          (name) => `${name} no`,
        ),
        ...['service/x yes', 'stays'],
      ]);
    });

    for (const [where, start] of [
      ['', ''],
      [', of a container without privilege', 'unshare --user --map-root-user '],
    ] as const)
      test(`writes no rules and units by which a device that comes has a program started${where}`, () => {
        const { output } = script([
          'mount -t tmpfs -o mode=755 none /run; mkdir -p /run/udev/rules.d /run/systemd/system /run/service',
          `cat >$F/try <<'END'
          for at in udev/x udev/rules.d/x.rules systemd/system/x.service modprobe.d/x.conf service/x; do
            (: >>/run/$at) 2>/dev/null && echo "$at yes" || echo "$at no"
          done
          for at in udev systemd; do mv /run/$at /run/gone 2>/dev/null || echo stays; done
END`,
          `${start}$T -- sh $F/try`,
        ]);
        assert.deepEqual(output.trimEnd().split('\n'), [
          ...['udev/x', 'udev/rules.d/x.rules', 'systemd/system/x.service', 'modprobe.d/x.conf'].map(
            (name) => `${name} no`,
          ),
          ...['service/x yes', 'stays', 'stays'],
        ]);
      });

    test('does not start where it could write the program for core dumps; in /usr it cannot', () => {
      const { output, errors } = script([
        'say() { echo "$1" >$F/pattern; $T -- echo started 2>$F/said || cat $F/said >&2; }',
        ': >$F/pattern; mount --bind $F/pattern /proc/sys/kernel/core_pattern',
        'say "|$F/bin/handler %p"; cp /bin/true $F/bin/handler; say "|$F/bin/handler %p"',
        'say "|/usr/bin/true %p"; say core; say "|/usr/lib/nowhere/handler"; say "|/sbin/true"',
      ]);
      assert.equal(output, 'started\n'.repeat(4));
      const sentence =
        /^ {2}the kernel starts F\/bin\/handler outside of the run \(\/proc\/sys\/kernel\/core_pattern\), and root can write that file: /gm;
      assert.equal(errors.match(sentence)?.length, 2);
    });
  });
}

test('the folders of /etc that are read-only are there under these names on this system', () => {
  const names = readdirSync('/etc');
  assert.ok(names.includes('alternatives') || names.includes('ld.so.conf.d') || names.includes('modprobe.d'));
});
