#include "origin.h"

#include <string.h>
#include <strings.h>

bool http_origin_is_foreign(const char *origin, const char *host)
{
    if (!origin)
        return false; /* not from a browser, or a plain link */
    const char *authority = strstr(origin, "://");
    return !authority || !host || strcasecmp(authority + 3, host) != 0;
}
