#include "base/descriptors.h"

#include <stdbool.h>
#include <sys/resource.h>

static uint32_t descriptors_count = UINT32_MAX; /* until it is known */

uint32_t descriptors_take(uint32_t count)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return descriptors_count;
    limit.rlim_cur = limit.rlim_max < count ? limit.rlim_max : count;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
        descriptors_count = (uint32_t)limit.rlim_cur;
    return descriptors_count;
}

uint32_t descriptors_for_clients(void)
{
    bool few = descriptors_count < DESCRIPTORS_KEPT + DESCRIPTORS_CLIENTS_MIN;
    return few ? DESCRIPTORS_CLIENTS_MIN : descriptors_count - DESCRIPTORS_KEPT;
}
