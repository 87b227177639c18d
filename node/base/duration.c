#include "base/duration.h"

#include <stdio.h>

enum { DIGITS_MAX = 11 }; /* as many days are held in 64 bits */

static const struct {
    const char *name;
    uint64_t ms;
} units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
enum { UNITS = sizeof units / sizeof *units };

bool duration_read(struct bytes text, uint64_t *ms)
{
    uint64_t number = 0;
    size_t digits = 0;
    for (; digits < text.len && text.data[digits] >= '0' && text.data[digits] <= '9'; digits++) {
        if (digits == DIGITS_MAX)
            return false;
        number = 10 * number + (uint64_t)(text.data[digits] - '0');
    }
    struct bytes unit = bytes_of(text.data + digits, text.len - digits);
    for (int i = 0; digits > 0 && i < UNITS; i++) {
        if (!bytes_equal(unit, bytes_of_text(units[i].name)))
            continue;
        *ms = number * units[i].ms;
        return true;
    }
    return false;
}

void duration_print(uint64_t ms, char text[DURATION_TEXT_MAX])
{
    int i = 0;
    while (i + 1 < UNITS && (ms == 0 || ms % units[i].ms != 0))
        i++;
    if (ms == 0)
        i = UNITS - 2; /* "0s" */
    snprintf(text, DURATION_TEXT_MAX, "%llu%s", (unsigned long long)(ms / units[i].ms),
             units[i].name);
}
