/* A library that is linked with a wish for an executable stack, and does nothing. */
int nothing(void);

int nothing(void)
{
	return 0;
}
