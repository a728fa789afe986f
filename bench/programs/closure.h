/* Closures of libffi for the benchmark programs: void (long), as caller.h's functions are. */
#ifndef TRAMPFD_BENCH_CLOSURE_H
#define TRAMPFD_BENCH_CLOSURE_H

#include "caller.h"
#include "clock.h"

#include <ffi.h>
#include <string.h>

typedef void closure_function(ffi_cif *, void *, void **, void *);

/* One that `on_call` is called by, with its context; ready to be called, and not called yet. */
static inline function *closure_create(closure_function *on_call, void *context)
{
	static ffi_cif interface;
	static ffi_type *types[] = {&ffi_type_slong};
	void *code;
	ffi_closure *const made = ffi_closure_alloc(sizeof *made, &code);
	need(made != NULL, "ffi_closure_alloc");
	need(ffi_prep_cif(&interface, FFI_DEFAULT_ABI, 1, &ffi_type_void, types) == FFI_OK, "ffi_prep_cif");
	need(ffi_prep_closure_loc(made, &interface, on_call, context, code) == FFI_OK, "ffi_prep_closure_loc");
	function *called;
	memcpy(&called, &code, sizeof called);
	return called;
}

#endif
