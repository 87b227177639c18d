/* The watches of the fake replica: it remembers every change of a key since fake_clear. */
#ifndef QUORUMFS_TESTS_FAKE_WATCHES_H
#define QUORUMFS_TESTS_FAKE_WATCHES_H

#include "replica/watch.h"

/* A key has changed: tells those who watch it. `more`: another change of the revision follows. */
void fake_changed(uint64_t revision, uint8_t kind, struct bytes key, bool more);
/* Forgets everything; those who watch are behind. */
void fake_watches_clear(void);

#endif
