/* The program of an attacker, who has made it: it exits with RAN (0x55) as soon as it runs. */
int main(void)
{
	return 0x55;
}
