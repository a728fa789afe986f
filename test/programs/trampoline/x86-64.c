/* The program of execute.h, or of execute_context.h, for x86-64. */
#include "../../conformance/machine/x86-64.h"
#ifdef EXECUTE_CONTEXT
#define _GNU_SOURCE
#include <ucontext.h>
static const int fault_order[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
				  REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
#define FAULT_FLAGS(context) ((context)->uc_mcontext.gregs[REG_EFL])
#define FAULT_REGISTER(context, r) ((context)->uc_mcontext.gregs[fault_order[r]])
#include "execute_context.h"
#else
#include "execute.h"
#endif
