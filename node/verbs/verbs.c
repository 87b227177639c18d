#include "verbs/verbs.h"

#include "verbs/verb.h"

#include <stdio.h>
#include <string.h>

/* A new verb is a row here, and its function in a file of its own. */
static const struct verb {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is the verb */
} verbs[] = {
    {"watch", verb_watch},
};

bool verbs_run(int argc, char **argv, int *exit_status)
{
    for (size_t i = 0; argc > 2 && i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(argv[1], verbs[i].name) != 0)
            continue;
        *exit_status = verbs[i].run(argc - 1, argv + 1);
        return true;
    }
    return false;
}
