/* calculate EXPRESSION X: prints the value. */
#include "calculate.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	if (argc != 3) return fprintf(stderr, "usage: calculate EXPRESSION X\n"), 2;
	struct tree *tree = parse(argv[1]);
	if (tree == NULL) return fprintf(stderr, "calculate: '%s' is no expression\n", argv[1]), 1;
	printf("%.10g\n", evaluate(tree, atof(argv[2])));
	release(tree);
	return 0;
}
