#include "verbs/verbs.h"

#include "verbs/verb.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *usage;
    verb *run;
} verbs[] = {
#define VERB_ROW(name, function, usage) {name, usage, verb_##function},
    VERBS(VERB_ROW)
#undef VERB_ROW
};
enum { VERB_COUNT = sizeof verbs / sizeof *verbs };

static int find(const char *name)
{
    int i = 0;
    while (i < VERB_COUNT && strcmp(verbs[i].name, name) != 0)
        i++;
    return i;
}

bool verbs_have(const char *name)
{
    return find(name) < VERB_COUNT;
}

int verbs_run(int argc, char **argv)
{
    return verbs[find(argv[0])].run(argc, argv);
}

int verb_usage(const char *name)
{
    fprintf(stderr, "Usage: %s\n", verbs[find(name)].usage);
    return VERB_USAGE;
}
