/*
 * A library whose code holds addresses that the loader has to fill in: built without -fPIC and with -z notext. For that
 * the loader makes the code writable, and executable again.
 */
static int answer = 42;

int *address_of_answer(void)
{
	return &answer;
}
