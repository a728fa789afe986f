/**
 * What `trampfd --help` prints.
 *
 * @module
 */
import { kinds } from '../policy/kinds.js';
import { architectures } from '../trampoline/architectures.js';

/** The architectures by name, the default one first. */
const [byDefault, ...others] = Object.keys(architectures);

export const helpText: string = `usage: trampfd run [--policy off|log|wx|strict] [--allow KIND] [--deny KIND] [--policy-file FILE]
                   [--exec PATH] [--no-emulation | --every-program] [--best-effort]
                   [--log FILE] [--] PROGRAM [ARGUMENT ...]
       trampfd policy show LEVEL [--allow KIND] [--deny KIND]
                   [--no-emulation | --every-program] [--json]
       trampfd policy show FILE [--json]
       trampfd doctor
       trampfd show [--arch ARCHITECTURE] [--code REGISTER] [--data REGISTER]
       trampfd show [--arch ARCHITECTURE] --context [REGISTER,...]
       trampfd --help | --version

Runs a program with no memory that is both writable and executable, and gives it the
trampfd system call: tables of trampolines, generated for it, that it can call but never write.

run       starts PROGRAM and ends as it ends: its exit status, or the signal that killed it
  --policy wx      (default) no written bytes become executable; trampolines among them are emulated
  --policy strict  the same, and runs no code from files that the program can write
  --policy log     refuses nothing, and reports what wx would have refused
  --policy off     serves trampolines only
  --allow KIND, --deny KIND
                   change what the policy allows, one after the other: KIND is
                   ${kinds.join(', ')}
  --policy-file FILE
                   takes from FILE what it says of PROGRAM; the other options win over it
  --exec PATH      may be executed from where execfile is denied, and is read-only there
  --no-emulation   refuses all executable memory that is written, in place of emulating trampolines
  --every-program  under wx, also takes X from the stacks that programs started by PROGRAM ask for
  --best-effort    starts even where the policy cannot be had in full, and says what is open
  --log FILE       appends events to FILE, one JSON object a line
policy    prints what a level or a policy file allows, and how that is enforced
doctor    says what this kernel has and what that means; exits with 1 where 'run' cannot work
show      prints the code of a trampoline
  --arch           ${byDefault} (default), ${others.join(', ')}
  --code, --data   the registers that receive the target's address and the data
  --context        the code of a trampoline of version 1 instead, made for these registers

Exit status: 125 trampfd itself failed, 126 PROGRAM cannot be executed, 127 it was not found.
The manual page trampfd(1) has more: man -l docs/trampfd.1
`;
