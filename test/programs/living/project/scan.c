#include "calculate.h"

#include <ctype.h>
#include <stdlib.h>

struct word scan(const char *text)
{
	const char *start = text;
	while (isspace((unsigned char)*text)) text++;
	struct word word = { .kind = WRONG, .letter = *text };
	char *end = (char *)text + (*text != '\0');
	if (*text == '\0') {
		word.kind = END;
	} else if (isdigit((unsigned char)*text) || *text == '.') {
		word.kind = NUMBER;
		word.number = strtod(text, &end);
	} else if (*text == 'x') {
		word.kind = NAME;
	} else if (*text == '(') {
		word.kind = OPEN;
	} else if (*text == ')') {
		word.kind = CLOSE;
	} else if (ispunct((unsigned char)*text)) {
		word.kind = OPERATOR;
	}
	word.length = (size_t)(end - start);
	return word;
}
