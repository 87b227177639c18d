/* No history of changes: the tests of mounts before a fake replica watch nothing. */
#include "replica/watch.h"

#include <errno.h>

int replica_watch_begin(struct replica *replica, struct replica_watch *watch, uint64_t since)
{
    return -ENOTSUP;
}

void replica_watch_end(struct replica *replica, struct replica_watch *watch)
{
}

bool replica_watch_go_on(struct replica *replica, struct replica_watch *watch)
{
    return false;
}

const char *replica_event_verb(uint8_t kind)
{
    return "";
}
