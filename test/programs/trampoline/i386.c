/* The program of execute.h, or of execute_context.h, for i386. */
#include "../../conformance/machine/i386.h"
#ifdef EXECUTE_CONTEXT
#define _GNU_SOURCE
#include <ucontext.h>
static const int fault_order[] = {REG_EAX, REG_ECX, REG_EDX, REG_EBX, REG_ESP, REG_EBP, REG_ESI, REG_EDI};
#define FAULT_FLAGS(context) ((context)->uc_mcontext.gregs[REG_EFL])
#define FAULT_REGISTER(context, r) ((context)->uc_mcontext.gregs[fault_order[r]])
#include "execute_context.h"
#else
#include "execute.h"
#endif
