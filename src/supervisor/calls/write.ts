/**
 * write(2) and pwrite(2): a context of version 1, or of a table the code descriptor, the data descriptor, or the extension
 * before them. The second of the two descriptors completes the table, and its code is generated and sealed before the
 * answer.
 *
 * @module
 */
import { TrampfdError } from '../../error.js';
import { readMemory } from '../../linux/memory.js';
import { isComplete, toTrampolineTable } from '../../object/table.js';
import { DESCRIPTOR_SIZE, type DescriptorKind, judgeWrite, setDescriptor } from '../../object/write.js';
import { type Answer, type CallContext, int32, isValid, letContinue, loggedCall, refuse, unseen } from '../call.js';
import type { RepeatableWrite, TableEntry } from '../tables.js';
import { refuseMemory } from '../unreachable.js';
import { answerUserWrite } from '../user/write.js';
import { filePositionOf } from './on_descriptor.js';

function isSame(left: RepeatableWrite, right: RepeatableWrite): boolean {
  return (
    left.kind === right.kind &&
    left.threadId === right.threadId &&
    left.instructionPointer === right.instructionPointer &&
    Buffer.compare(left.bytes, right.bytes) === 0
  );
}

export function answerWrite(context: CallContext): Answer {
  const { notification, supervision } = context;
  const [descriptor, bufferAddress, count] = notification.arguments;
  const entry = supervision.tables.find(notification.threadId, int32(descriptor));
  if (entry === 'unseen') return unseen;
  if (entry === undefined) return letContinue;

  const offset = filePositionOf(context);
  if (offset === 'unseen') return unseen;
  if (offset === 'closed') return refuse('EBADF', 'the descriptor was closed during the write');
  if (entry.kind === 'user') return answerUserWrite(context, entry, offset);
  const kind = judgeWrite({ bufferAddress, count, offset });
  if (kind === 'EINVAL') {
    return refuse(
      kind,
      `a write of ${count} bytes from 0x${bufferAddress.toString(16)} at offset ${offset}; a table takes ` +
        `${DESCRIPTOR_SIZE} bytes at offset 0 (code), 1 (data) and 65536 (extension)`,
    );
  }
  // Read once: all that follows is about this copy.
  const bytes = readMemory(notification.threadId, bufferAddress, DESCRIPTOR_SIZE);
  if (bytes === undefined) {
    const reason = `the ${kind} structure at 0x${bufferAddress.toString(16)} cannot be read`;
    return refuseMemory(notification.threadId, bufferAddress, reason);
  }
  if (!isValid(context)) return refuse('EACCES', 'the caller is gone');
  return set(context, entry, kind, bytes);
}

function set(context: CallContext, entry: TableEntry, kind: DescriptorKind, bytes: Uint8Array): Answer {
  const { tables, log, waitsKillable } = context.supervision;
  const { threadId, instructionPointer } = context.notification;
  const done: Answer = { kind: 'value', value: BigInt(DESCRIPTOR_SIZE) };
  // Without SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV a signal may end a call behind its answer, and nobody is told: the same call then comes again, or
  // is made again after EINTR, and must not find its own work in the way.
  const made: RepeatableWrite = { kind, bytes, threadId, instructionPointer };
  if (entry.repeatable !== undefined && isSame(entry.repeatable, made)) return done;

  const result = setDescriptor(entry.object, kind, bytes, context.entry);
  if ('errno' in result) return refuse(result.errno, result.reason);
  if (isComplete(result.table) && entry.file !== undefined) {
    const table = toTrampolineTable(result.table);
    try {
      entry.file.seal(table);
    } catch (error) {
      // Nothing was done, and there may be memory the next time.
      if (error instanceof TrampfdError && error.code === 'ENOMEM') return refuse('ENOMEM', error.message);
      // Its table is forgotten; a mapping of the file that is made all the same shows traps, or what was recognised.
      tables.drop(entry);
      if (!(error instanceof TrampfdError)) throw error;
      return refuse('EIO', `the table could not be sealed: ${error.message}`);
    }
    entry.file = undefined;
    if (log.enabled) {
      log.write({
        event: 'table-sealed',
        descriptor: int32(context.notification.arguments[0]),
        trampolines: table.count,
        codeRegister: table.codeRegister,
        dataRegister: table.dataRegister,
        ...loggedCall(context),
      });
    }
  }
  entry.object = result.table;
  entry.repeatable = waitsKillable ? undefined : made;
  return done;
}
