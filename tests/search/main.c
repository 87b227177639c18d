/* test_search                  the scopes of the default run
 * test_search small|large      those of a few seconds, of minutes
 * test_search scope NAME       one of them
 * test_search ELECTIONS PROPOSALS CRASHES BREAKS DUPLICATES TICKS TRIMS READS LOSSES ENDS [FLAG...]
 */
#include "search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool run(const struct scope *scope)
{
    struct search_result result;
    double start = seconds();
    bool good = search(scope, (uint32_t)sysconf(_SC_NPROCESSORS_ONLN), &result);
    printf("%-40s %10llu states, %10llu moves, depth %3u, %5.1f s%s\n", scope->name,
           (unsigned long long)result.states, (unsigned long long)result.moves, result.depth,
           seconds() - start, good ? "" : ": FAILED");
    return good;
}

static uint32_t run_all(const struct scope *scopes, const char *name)
{
    uint32_t failures = 0;
    for (; scopes->name; scopes++)
        if (!name || strcmp(scopes->name, name) == 0)
            failures += !run(scopes);
    return failures;
}

static bool run_given(int argc, char **argv)
{
    uint8_t numbers[10];
    struct scope scope = {.name = "given"};
    for (int i = 0; i < 10; i++)
        numbers[i] = (uint8_t)atoi(argv[1 + i]);
    scope.budget = (struct budget){numbers[0], numbers[1], numbers[2], numbers[3], numbers[4],
                                   numbers[5], numbers[6], numbers[7], numbers[8], numbers[9]};
    for (int i = 11; i < argc; i++) {
        scope.settled |= strcmp(argv[i], "settled") == 0;
        scope.ordered |= strcmp(argv[i], "ordered") == 0;
        scope.slow_disks |= strcmp(argv[i], "slow") == 0;
        scope.large |= strcmp(argv[i], "large") == 0;
        scope.session |= strcmp(argv[i], "session") == 0;
    }
    return run(&scope);
}

int main(int argc, char **argv)
{
    const char *which = argc > 1 ? argv[1] : "";
    const char *name = argc > 2 && strcmp(which, "scope") == 0 ? argv[2] : NULL;
    if (argc >= 11)
        return run_given(argc, argv) ? 0 : 1;
    uint32_t failures = 0;
    if (name || argc == 1)
        failures += run_all(search_scopes, name);
    if (name || argc == 1 || strcmp(which, "small") == 0)
        failures += run_all(search_small_scopes, name);
    if (name || strcmp(which, "large") == 0)
        failures += run_all(search_large_scopes, name);
    return failures ? 1 : 0;
}
