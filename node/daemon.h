/* Going to the background, for mount(8): the caller waits until the mount is there. If it fails,
 * the reason is on the caller's standard error.
 *
 * Thread: the only one, before there are others. */
#ifndef QUORUMFS_DAEMON_H
#define QUORUMFS_DAEMON_H

#include "base/fault.h"

/* Forks. Returns 0 in the child. The parent never returns: it exits with 0 when daemon_ready was
 * called, or as the child has exited. -EAGAIN, -ENOMEM ... with the fault's text. */
int daemon_begin(struct fault *fault);
/* Lets go of the parent and of its standard input and output. From now on the log goes to
 * syslog(3). */
void daemon_ready(void);

#endif
