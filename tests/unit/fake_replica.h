/* A replica for the tests of a door: keys in memory, and a hand on how its calls are answered.
 *
 * It takes the place of replica.h, of the reading half of store/tree.h, of status.h and of
 * config_allows_client. Thread: the loop's; the settings may be changed from another thread. */
#ifndef QUORUMFS_TESTS_FAKE_REPLICA_H
#define QUORUMFS_TESTS_FAKE_REPLICA_H

#include "replica/replica.h"

#include <stdatomic.h>
#include <uv.h>

enum fake_answers {
    FAKE_AT_ONCE, /* before the call returns */
    FAKE_LATER,   /* in a later turn of the loop */
    FAKE_HELD,    /* not before the setting changes */
};

#define FAKE_TIME (UINT64_C(784111777) * 1000000000) /* Sun, 06 Nov 1994 08:49:37 GMT */

struct fake_settings {
    atomic_int answers;       /* enum fake_answers */
    atomic_int write_outcome; /* enum replica_outcome */
    atomic_int read_outcome;  /* not for REPLICA_LOCAL */
    atomic_int write_status;  /* of results; 0: the tree's own */
    atomic_bool stale, old_forgotten, not_ready, clients_forbidden, peer_unreachable;
    atomic_bool writes_held; /* until it is false again */
    atomic_int emptied;      /* so many reads of empty files still wait for contents, for a turn */
    atomic_int held;         /* calls waiting now */
    atomic_int keys_turns;   /* calls of tree_keys */
    atomic_int views, views_opened;
    atomic_int views_ending; /* so many end when they are looked at next, */
    atomic_int views_looks;  /* or after this number of looks */
    atomic_bool views_refused;
    atomic_bool watches_unsupported;
    atomic_int watches_oldest;  /* the first revision that a watch can begin at */
    atomic_int may_status;      /* of reads of others than root: what tree_may gives; 0: they may */
    atomic_int tokens_late;     /* a token is not found so many times */
    atomic_bool tokens_expired; /* all of them */
    atomic_int reads_confirmed; /* reads of REPLICA_LINEARIZABLE */
    atomic_int commands_as;     /* commands that began with AS: */
    atomic_int as_uid, as_token; /* the last one's */
    atomic_bool churning;        /* every turn of the loop changes all values */
};

extern struct fake_settings fake;

struct replica *fake_replica_new(uv_loop_t *loop);
void fake_replica_close(struct replica *replica); /* its handle; then run the loop */
void fake_replica_free(struct replica *replica);

/* No keys, normal settings. On the loop. */
void fake_clear(struct replica *replica);

/* Makes a file or something else, as if by FUSE. On the loop. */
void fake_put(struct replica *replica, struct bytes key, struct bytes value, uint32_t mode);

/* Adds a token. On the loop. */
void fake_token_add(struct replica *replica, const struct op *op);

#endif
