/* Scheduled events: ordered by time, and at the same time in the order in which they were
 * scheduled. */
#ifndef QUORUMFS_TESTS_SIM_EVENTS_H
#define QUORUMFS_TESTS_SIM_EVENTS_H

#include "paxos/paxos.h"

enum sim_event_type {
    SIM_TICKED,    /* a heartbeat period of `node` has passed */
    SIM_MESSAGE,   /* from `peer`, for `node` or to be passed on by it */
    SIM_WRITTEN,   /* `number`: a write is durable */
    SIM_TOLD,      /* ... and the core hears of it */
    SIM_FETCHED,   /* a snapshot has come whole */
    SIM_REPLACED,  /* ... and is durable in place of the tree */
    SIM_INSTALLED, /* ... and the core hears of it */
    SIM_LINK,      /* the link to `peer` is up, or not */
    SIM_OUTPUT,    /* the output of several steps */
    SIM_WOKEN,     /* a decision waited for this time */
    SIM_NOTHING,   /* not any more */
    SIM_CLIENT,    /* `peer`: the client; `number`: the operation that its patience ends with */
};

struct sim_event {
    uint64_t at, order;
    enum sim_event_type type;
    uint32_t node, peer;
    uint32_t life; /* of the node: events of a life that has crashed do not happen */
    uint64_t number;
    bool up;
    struct paxos_message message;
    struct sim_event *next_free;
};

struct sim_event_place { /* beside the event, so that ordering does not touch it */
    uint64_t at, order;
    struct sim_event *event;
};

struct sim_events {
    struct sim_event_place *heap;
    size_t count, cap;
    uint64_t order;
    struct sim_event *free;
};

/* Copies what is to happen at `event->at`, with its message. */
void events_add(struct sim_events *q, const struct sim_event *event);
/* The next one up to `end`, or NULL; to be given back. */
struct sim_event *events_take(struct sim_events *q, uint64_t end);
/* It happens later instead, at `event->at`, in the order in which it was scheduled at first. */
void events_put_off(struct sim_events *q, struct sim_event *event);
/* The message, if it still has one, is given back as well. */
void events_give_back(struct sim_events *q, struct sim_event *event);
void events_free(struct sim_events *q);

#endif
