/* Has GNU libffcall write a callback, and prints the beginning of it. */
#include <callback.h>

#include "written.h"

static void answer(void *data, va_alist list)
{
	va_start_int(list);
	va_return_int(list, *(int *)data);
}

int main(void)
{
	static int data = 42;
	const callback_t callback = alloc_callback(answer, &data);

	if (callback == NULL) {
		fprintf(stderr, "libffcall makes no callback\n");
		return 2;
	}
	return show_written((uintptr_t)callback);
}
