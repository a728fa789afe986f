/* The program of execute.h, or of execute_context.h, for arm. */
#include "../../conformance/machine/arm.h"
#ifdef EXECUTE_CONTEXT
#define FAULT_FLAGS(context) ((context)->uc_mcontext.arm_cpsr)
#define FAULT_REGISTER(context, r) ((&(context)->uc_mcontext.arm_r0)[r])
#include "execute_context.h"
#else
#include "execute.h"
#endif
