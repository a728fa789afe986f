/* Loads the library that its argument names, and calls it: prints what it returns, or the loader's error. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(int count, char **arguments)
{
	void *library = count == 2 ? dlopen(arguments[1], RTLD_NOW) : NULL;
	if (library == NULL)
		return printf("refused: %s\n", dlerror()) < 0;
	void *symbol = dlsym(library, "address_of_answer");
	int *(*function)(void);
	memcpy(&function, &symbol, sizeof function);
	return printf("%d\n", *function()) < 0;
}
