/* The program of execute.h, or of execute_context.h, for arm64. */
#include "../../conformance/machine/arm64.h"
#ifdef EXECUTE_CONTEXT
#define FAULT_FLAGS(context) ((context)->uc_mcontext.pstate)
#define FAULT_REGISTER(context, r) ((r) < 31 ? (context)->uc_mcontext.regs[r] : (context)->uc_mcontext.sp)
#include "execute_context.h"
#else
#include "execute.h"
#endif
