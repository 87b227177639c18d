/* What the program does besides running a node: `quorumfs VERB ...`, each in a file of its own.
 *
 * A verb is a row of the table in verbs.c. Thread: the process has one. */
#ifndef QUORUMFS_VERBS_H
#define QUORUMFS_VERBS_H

#include <stdbool.h>

/* Whether `name` is a verb. A folder of that name can be given as ./NAME. */
bool verbs_have(const char *name);
/* Carries out the verb argv[0]; returns the exit status of the process. */
int verbs_run(int argc, char **argv);

#endif
