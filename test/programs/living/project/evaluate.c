#include "calculate.h"

#include <math.h>

double evaluate(const struct tree *tree, double x)
{
	if (tree->operator_ == '#') return tree->number;
	if (tree->operator_ == 'x') return x;
	double a = evaluate(tree->left, x), b = evaluate(tree->right, x);
	switch (tree->operator_) {
#define OPERATOR(name, sign, rank, value) \
	case sign: return value;
#include "operators.h"
#undef OPERATOR
	}
	return NAN;
}
