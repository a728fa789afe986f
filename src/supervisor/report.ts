/**
 * Reports of what a stricter policy would have refused.
 *
 * @module
 */
import { type Entry, syscallName } from '../abi/syscalls.js';
import type { Notification } from '../linux/listener.js';
import { processOf } from '../linux/proc.js';
import type { WxRule } from '../policy/wx.js';
import type { Supervision } from './call.js';
import { callerOf } from './caller.js';
import type { LoggedCall } from './log.js';

/** What a log says of any call. */
export function loggedNotification(notification: Notification, entry: Entry | undefined): LoggedCall {
  const { threadId, number } = notification;
  return {
    processId: processOf(threadId) ?? threadId,
    threadId,
    call: (entry && syscallName(entry, number)) ?? `system call ${number}`,
    entry: entry ?? `AUDIT_ARCH 0x${notification.architecture.toString(16)}`,
  };
}

export function hexadecimal(values: readonly bigint[]): string[] {
  return values.map((value) => `0x${value.toString(16)}`);
}

/** Reports a call that `wx` would have refused, by this rule; by none where it enters in a way that is not judged. */
export function reportRefusable(
  { log }: Supervision,
  notification: Notification,
  entry: Entry | undefined,
  rule: WxRule | undefined,
): void {
  const logged = loggedNotification(notification, entry);
  log.write({
    event: 'would-refuse',
    ...logged,
    arguments: hexadecimal(notification.arguments),
    reason: rule?.sentence ?? 'the call enters the kernel in a way that is not judged (x32, or another architecture)',
    caller: callerOf(notification, entry === 'i386' ? 4 : 8),
  });
}
