/* Arithmetic expressions: words, trees, values. */
#ifndef CALCULATE_H
#define CALCULATE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum kind { END, NUMBER, NAME, OPERATOR, OPEN, CLOSE, WRONG };

struct word {
	enum kind kind;
	double number;
	char letter;
	size_t length;
};

struct tree {
	char operator_;
	double number;
	struct tree *left, *right;
};

/* The word at the start of a text, after blanks; `length` counts the blanks too. */
struct word scan(const char *text);

/* The tree of an expression with the variable x, or NULL where it is none. */
struct tree *parse(const char *text);
void release(struct tree *tree);

double evaluate(const struct tree *tree, double x);

#ifdef __cplusplus
}
#endif
#endif
