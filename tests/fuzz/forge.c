#include "forge.h"

#include "peer/frame.h"

enum { CHANGES_MAX = 4, BODY_BYTES_MAX = 400 };

static const struct frame_scope scope = {1, 1};

static void hand_over_bytes(struct cluster *c, struct bytes bytes)
{
    struct frame frame;
    if (frame_decode(bytes, &scope, &frame) < 0)
        return;
    if (frame.type == FRAME_PAXOS)
        mail_hand_over(c, &frame.paxos);
    frame_clear(&frame);
}

static void hand_over(struct cluster *c, const struct paxos_message *m)
{
    struct buffer bytes = {0};
    struct frame frame = {.type = FRAME_PAXOS, .from = m->from, .to = m->to, .paxos = *m};
    frame_encode(&frame, &scope, &bytes);
    assert(!bytes.failed);
    hand_over_bytes(c, bytes_of(bytes.data, bytes.len));
    buffer_free(&bytes);
}

/* ---- Changes ---- */

static void change_number(struct source *s, uint64_t *number)
{
    if (source_u8(s) & 1)
        *number += (uint64_t)source_below(s, 17) - 8;
    else
        *number = source_number(s);
}

static void change_pid(const struct cluster *c, struct source *s, uint32_t *pid)
{
    uint32_t which = source_below(s, 8);
    *pid = which < 6 ? c->nodes[which % CLUSTER_NODES].pid : source_u8(s);
}

static void change_ballot(const struct cluster *c, struct source *s, struct paxos_ballot *b)
{
    uint64_t priority = b->priority;
    switch (source_below(s, 4)) {
    case 0:
        change_pid(c, s, &b->pid);
        break;
    case 1:
        change_number(s, &priority);
        b->priority = (uint32_t)priority;
        break;
    default:
        change_number(s, &b->n);
    }
}

static void drop_entries(struct source *s, struct paxos_message *m)
{
    uint32_t left = m->entry_count ? source_u8(s) % m->entry_count : 0;
    while (m->entry_count > left)
        paxos_entry_unref(m->entries[--m->entry_count]);
}

static void change_field(const struct cluster *c, struct source *s, struct paxos_message *m)
{
    uint64_t *const numbers[] = {&m->decided, &m->accepted, &m->psid,  &m->session,
                                 &m->counter, &m->first,    &m->round, &m->read};
    uint32_t what = source_below(s, 24);
    switch (what) {
    case 0:
        m->type = (uint8_t)(1 + source_below(s, PAXOS_MESSAGE_TYPE_END - 1));
        break;
    case 1:
        m->sync = (uint8_t)source_below(s, PAXOS_SYNC_SNAPSHOT + 1);
        break;
    case 2:
        m->happy = !m->happy;
        break;
    case 3:
        change_pid(c, s, &m->from);
        break;
    case 4:
        change_pid(c, s, &m->to);
        break;
    case 5:
    case 6:
        change_ballot(c, s, &m->n);
        break;
    case 7:
        change_ballot(c, s, &m->acc_round);
        break;
    case 8:
        change_ballot(c, s, &m->leader);
        break;
    case 9:
        drop_entries(s, m);
        break;
    case 19:
        m->lease = (uint32_t)source_number(s);
        break;
    case 20:
        m->standing = (uint8_t)source_below(s, PAXOS_STANDING_END);
        break;
    case 21:
        m->life = (uint32_t)source_number(s);
        break;
    case 22:
        m->lives[source_below(s, CLUSTER_NODES)] = (uint32_t)source_number(s);
        break;
    case 23:
        m->folders[source_below(s, CLUSTER_NODES)] = source_number(s);
        break;
    case 10: /* speaks for the owner of the ballot */
        m->from = m->n.pid;
        break;
    default:
        change_number(s, numbers[what % (sizeof numbers / sizeof *numbers)]);
    }
}

void forge_message(struct cluster *c, struct source *s)
{
    if (c->mail_count == 0)
        return;
    struct paxos_message m = mail_copy(&c->mail[source_u8(s) % c->mail_count]);
    for (uint32_t changes = 1 + source_below(s, CHANGES_MAX); changes > 0; changes--)
        change_field(c, s, &m);
    hand_over(c, &m);
    paxos_message_clear(&m);
}

void forge_frame(struct cluster *c, struct source *s)
{
    struct buffer bytes = {0};
    uint32_t from = c->nodes[source_below(s, CLUSTER_NODES)].pid;
    uint32_t to = c->nodes[source_below(s, CLUSTER_NODES)].pid;
    buffer_put_u8(&bytes, FRAME_VERSION);
    buffer_put_u8(&bytes, FRAME_PAXOS);
    buffer_put_u64(&bytes, scope.cluster);
    buffer_put_u64(&bytes, scope.configuration);
    buffer_put_u32(&bytes, from);
    buffer_put_u32(&bytes, to);
    struct bytes body = source_bytes(s, source_number(s) % BODY_BYTES_MAX);
    buffer_append(&bytes, body.data, body.len);
    assert(!bytes.failed);
    hand_over_bytes(c, bytes_of(bytes.data, bytes.len));
    buffer_free(&bytes);
}
