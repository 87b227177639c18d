#include "paxos/quorum.h"

#include <assert.h>

uint32_t paxos_majority(uint32_t nodes)
{
    assert(nodes > 0);
    return nodes / 2 + 1;
}

struct paxos_quorums paxos_quorums_of(uint32_t nodes, uint32_t read, uint32_t write)
{
    struct paxos_quorums q = {.nodes = nodes,
                              .read = read ? read : paxos_majority(nodes),
                              .write = write ? write : paxos_majority(nodes)};
    assert(q.read <= nodes);
    assert(q.write <= nodes);
    assert(q.read + q.write > nodes);
    return q;
}

uint32_t paxos_quorum_to_work(struct paxos_quorums q)
{
    return q.read > q.write ? q.read : q.write;
}

uint32_t paxos_quorum_to_join(struct paxos_quorums q)
{
    uint32_t others = q.nodes - 1;
    return paxos_quorum_to_work(q) < others ? paxos_quorum_to_work(q) : others;
}

uint32_t paxos_quorum_to_found(struct paxos_quorums q)
{
    return paxos_quorum_to_work(q) - 1;
}

bool paxos_quorum_confirms(struct paxos_quorums q, uint32_t nodes)
{
    return nodes > q.nodes - q.read;
}
