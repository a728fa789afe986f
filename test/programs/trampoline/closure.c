/* Has libffi write a closure, and prints the beginning of it. */
#include <ffi.h>

#include "written.h"

static void answer(ffi_cif *cif, void *result, void **arguments, void *data)
{
	(void)cif;
	(void)arguments;
	*(ffi_arg *)result = *(int *)data;
}

int main(void)
{
	int data = 42;
	void *code;
	ffi_cif cif;
	ffi_closure *closure = ffi_closure_alloc(sizeof *closure, &code);

	if (!closure || ffi_prep_cif(&cif, FFI_DEFAULT_ABI, 0, &ffi_type_sint, NULL) != FFI_OK ||
	    ffi_prep_closure_loc(closure, &cif, answer, &data, code) != FFI_OK) {
		fprintf(stderr, "libffi makes no closure\n");
		return 2;
	}
	return show_written((uintptr_t)code);
}
