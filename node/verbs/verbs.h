/* What the program does besides running a node: `quorumfs VERB ...`, for people and scripts that
 * use a cluster. A verb is a client: it talks to nodes by HTTP and knows nothing of their insides.
 */
#ifndef QUORUMFS_VERBS_VERBS_H
#define QUORUMFS_VERBS_VERBS_H

#include <stdbool.h>

/* If the first argument is a verb with arguments of its own, runs it and gives its exit status. A
 * folder of that name is a node's all the same as ./NAME. False: it is none. */
bool verbs_run(int argc, char **argv, int *exit_status);

#endif
