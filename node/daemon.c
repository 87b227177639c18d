#include "daemon.h"

#include "base/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int parent = -1; /* a pipe */

/* One byte: it is ready. None: it has ended. */
static _Noreturn void wait_for_child(pid_t child, int ready)
{
    char byte;
    int status;
    if (read(ready, &byte, 1) == 1)
        _exit(EXIT_SUCCESS);
    if (waitpid(child, &status, 0) == child && WIFEXITED(status))
        _exit(WEXITSTATUS(status));
    _exit(EXIT_FAILURE);
}

int daemon_begin(struct fault *fault)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return fault_set(fault, -errno, "pipe: %s", strerror(errno));
    pid_t child = fork();
    if (child < 0) {
        fault_set(fault, -errno, "fork: %s", strerror(errno));
        close(ends[0]);
        close(ends[1]);
        return -EAGAIN;
    }
    if (child > 0) {
        close(ends[1]);
        wait_for_child(child, ends[0]);
    }
    close(ends[0]);
    parent = ends[1];
    setsid();
    return 0;
}

void daemon_ready(void)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    trace_to_syslog();
    if (chdir("/") < 0)
        trace_warn("node", "/: %s", strerror(errno));
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO && nothing >= 0; fd++)
        dup2(nothing, fd);
    if (nothing > STDERR_FILENO)
        close(nothing);
    if (write(parent, "", 1) != 1)
        trace_info("node", "the process that asked for the mount has not waited for it");
    close(parent);
    parent = -1;
}
