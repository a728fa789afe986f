/* Precedence climbing. */
#include "calculate.h"

#include <stdlib.h>

static int precedence(char letter)
{
	switch (letter) {
#define OPERATOR(name, sign, rank, value) \
	case sign: return rank;
#include "operators.h"
#undef OPERATOR
	}
	return 0;
}

static struct tree *node(char operator_, double number, struct tree *left, struct tree *right)
{
	struct tree *tree = malloc(sizeof *tree);
	if (tree == NULL) abort();
	*tree = (struct tree){ operator_, number, left, right };
	return tree;
}

static struct tree *expression(const char **text, int least);

static struct tree *primary(const char **text)
{
	struct word word = scan(*text);
	*text += word.length;
	if (word.kind == NUMBER) return node('#', word.number, NULL, NULL);
	if (word.kind == NAME) return node('x', 0, NULL, NULL);
	if (word.kind != OPEN) return NULL;
	struct tree *inner = expression(text, 1);
	word = scan(*text);
	*text += word.length;
	if (word.kind == CLOSE) return inner;
	release(inner);
	return NULL;
}

static struct tree *expression(const char **text, int least)
{
	struct tree *left = primary(text);
	while (left != NULL) {
		struct word word = scan(*text);
		int rank = word.kind == OPERATOR ? precedence(word.letter) : 0;
		if (rank < least || rank == 0) break;
		*text += word.length;
		struct tree *right = expression(text, word.letter == '^' ? rank : rank + 1);
		if (right == NULL) {
			release(left);
			return NULL;
		}
		left = node(word.letter, 0, left, right);
	}
	return left;
}

struct tree *parse(const char *text)
{
	struct tree *tree = expression(&text, 1);
	if (scan(text).kind == END) return tree;
	release(tree);
	return NULL;
}

void release(struct tree *tree)
{
	if (tree == NULL) return;
	release(tree->left);
	release(tree->right);
	free(tree);
}
