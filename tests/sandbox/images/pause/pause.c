/* Holds the namespaces of a pod: sleeps, buries orphans, ends at once when told to. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void end(int signal_number)
{
	(void)signal_number;
	_exit(0);
}

static void bury(int signal_number)
{
	(void)signal_number;
	while (waitpid(-1, 0, WNOHANG) > 0) {
	}
}

int main(void)
{
	struct sigaction ended = {.sa_handler = end};
	struct sigaction child = {.sa_handler = bury, .sa_flags = SA_NOCLDSTOP};

	sigaction(SIGINT, &ended, 0);
	sigaction(SIGTERM, &ended, 0);
	sigaction(SIGCHLD, &child, 0);
	for (;;)
		pause();
}
