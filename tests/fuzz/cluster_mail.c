#include "cluster.h"

#include <stdlib.h>
#include <string.h>

struct paxos_message mail_copy(const struct paxos_message *m)
{
    struct paxos_message copy = *m;
    if (m->entry_count == 0) {
        copy.entries = NULL;
        return copy;
    }
    copy.entries = malloc(m->entry_count * sizeof *copy.entries);
    assert(copy.entries);
    for (uint32_t i = 0; i < m->entry_count; i++)
        copy.entries[i] = paxos_entry_ref(m->entries[i]);
    return copy;
}

void mail_drop(struct cluster *c, size_t at)
{
    assert(at < c->mail_count);
    paxos_message_clear(&c->mail[at]);
    memmove(&c->mail[at], &c->mail[at + 1], (--c->mail_count - at) * sizeof c->mail[0]);
}

void mail_post(struct cluster *c, struct paxos_message *m)
{
    if (c->mail_count == CLUSTER_MAIL_MAX)
        mail_drop(c, 0);
    c->mail[c->mail_count++] = *m;
    *m = (struct paxos_message){0};
}

void mail_hand_over(struct cluster *c, const struct paxos_message *m)
{
    for (uint32_t i = 0; i < CLUSTER_NODES; i++)
        if (c->nodes[i].pid == m->to)
            cluster_step(c, &c->nodes[i],
                         &(struct paxos_event){.type = PAXOS_RECEIVE, .message = m});
}

void mail_deliver(struct cluster *c, size_t at, bool keep)
{
    if (at >= c->mail_count)
        return;
    struct paxos_message m = mail_copy(&c->mail[at]);
    if (!keep)
        mail_drop(c, at);
    mail_hand_over(c, &m);
    paxos_message_clear(&m);
}

void mail_free(struct cluster *c)
{
    while (c->mail_count > 0)
        mail_drop(c, c->mail_count - 1);
}
