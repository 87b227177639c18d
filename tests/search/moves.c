/* From one state to the next. */
#include "cluster_internal.h"

#include "core.h"
#include "replica/describe.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGE_BYTES = PAXOS_MESSAGE_BYTES_MAX - 64, IDS_MAX = 16 };

/* The entry with this id; made once, and never given back. */
static struct paxos_entry *entry_of(const struct cluster *c, uint64_t id)
{
    static struct paxos_entry *entries[IDS_MAX];
    static uint8_t bytes[LARGE_BYTES];
    assert(id > 0 && id < IDS_MAX);
    if (!entries[id]) {
        memcpy(bytes, &id, sizeof id);
        entries[id] = paxos_entry_new(bytes, c->scope->large ? LARGE_BYTES : sizeof id);
        assert(entries[id]);
    }
    return entries[id];
}

/* ---- the disk ---- */

static struct checker_view view_of(const struct cluster *c, const struct node *n,
                                   struct paxos_entry **entries)
{
    for (uint64_t i = n->base; i < n->end; i++)
        entries[i - n->base] = entry_of(c, n->ids[i - n->base]);
    return (struct checker_view){.promise = n->promise,
                                 .acc_round = n->acc_round,
                                 .member = n->membership.standing == PAXOS_MEMBER,
                                 .decided = n->decided,
                                 .base = n->base,
                                 .end = n->end,
                                 .entries = entries,
                                 .installed = n->installed};
}

static void queue_write(struct node *n, const struct paxos_write *write)
{
    assert(n->write_count < WRITES_MAX);
    assert(write->entry_count <= ENTRIES_MAX);
    struct queued_write *w = &n->writes[n->write_count++];
    *w = (struct queued_write){.ticket = write->ticket,
                               .promise = write->promise,
                               .acc_round = write->acc_round,
                               .decided = write->decided,
                               .compacted = write->compacted,
                               .first = write->first,
                               .end = write->first + write->entry_count,
                               .membership = write->membership};
    for (uint32_t i = 0; i < write->entry_count; i++)
        w->ids[i] = checker_id(write->entries[i]);
}

static void compact(struct node *n, uint64_t base)
{
    if (base <= n->base)
        return;
    uint64_t gone = base < n->end ? base - n->base : n->end - n->base;
    memmove(n->ids, n->ids + gone, (size_t)(n->end - n->base - gone) * sizeof n->ids[0]);
    n->base = base;
    if (n->end < base)
        n->end = base;
}

/* The oldest write reaches the disk, whole. */
static uint64_t write_through(struct node *n)
{
    assert(n->write_count > 0);
    struct queued_write w = n->writes[0];
    memmove(n->writes, n->writes + 1, --n->write_count * sizeof w);
    if (n->end > w.first)
        n->end = w.first > n->base ? w.first : n->base;
    compact(n, w.compacted);
    assert(n->end == w.first);
    assert(w.end - n->base <= ENTRIES_MAX);
    memcpy(n->ids + (n->end - n->base), w.ids, (size_t)(w.end - w.first) * sizeof w.ids[0]);
    n->end = w.end;
    n->promise = w.promise;
    n->acc_round = w.acc_round;
    n->decided = w.decided;
    n->membership = w.membership;
    return w.ticket;
}

static void check_disk(struct cluster *c, uint32_t i)
{
    struct paxos_entry *entries[ENTRIES_MAX];
    struct checker_view view = view_of(c, c->nodes[i], entries);
    checker_disk(cluster_change_history(c), i, &view);
}

/* ---- a node ---- */

struct paxos_config cluster_config(const struct scope *scope, uint32_t i)
{
    struct paxos_config config = {.me = i + 1, .count = NODES};
    for (uint32_t k = 0; k < NODES; k++)
        config.pids[k] = k + 1;
    return config;
}

/* As the store opens its log: entries below an installed snapshot are void, and if the tree is
 * beyond the log, the log begins at it. */
void cluster_start_node(struct cluster *c, uint32_t i)
{
    struct node *n = c->nodes[i];
    struct paxos_entry *entries[ENTRIES_MAX];
    compact(n, n->installed);
    compact(n, n->applied > n->end ? n->applied : 0);
    if (n->decided < n->applied)
        n->decided = n->applied;
    struct checker_view view = view_of(c, n, entries);
    checker_start(cluster_change_history(c), i, &view);
    struct paxos_config config = cluster_config(c->scope, i);
    n->core = paxos_new(&config, &(struct paxos_stored){.promise = n->promise,
                                                        .acc_round = n->acc_round,
                                                        .decided = n->decided,
                                                        .compacted = n->base,
                                                        .entry_count = n->end - n->base,
                                                        .entries = entries,
                                                        .membership = n->membership,
                                                        .folder = n->folder});
    assert(n->core);
    n->life++;
    n->read_last = (uint64_t)n->life << 32;
}

static void apply(struct cluster *c, uint32_t i, uint64_t decided)
{
    struct node *n = c->nodes[i];
    while (n->applied < decided) {
        struct paxos_entry *e = paxos_entry_at(n->core, n->applied);
        checker_applied(cluster_change_history(c), i, n->applied, checker_id(e));
        session_applied(c, i, n->applied, checker_id(e));
        n->applied++;
    }
}

static void answer_reads(struct cluster *c, uint32_t i, const struct paxos_output *out)
{
    struct node *n = c->nodes[i];
    uint32_t kept = 0;
    for (uint32_t k = 0; k < n->read_count; k++) {
        if (n->reads[k].index == 0 && n->reads[k].id <= out->reads_ready) {
            checker_read_answered(cluster_change_history(c), i, n->reads[k].floor,
                                  out->reads_index);
            n->reads[k].index = out->reads_index + 1;
        }
        bool over =
            n->reads[k].index > 0 && (!c->scope->session || n->applied + 1 >= n->reads[k].index);
        if (!over)
            n->reads[kept++] = n->reads[k];
        else if (c->scope->session)
            session_confirmed(c, n->reads[k].asked);
    }
    n->read_count = kept;
}

/* Heartbeats serve the election, which the search takes out of the nodes' hands. */
static bool is_heartbeat(const struct paxos_message *m)
{
    return m->type == PAXOS_HEARTBEAT_REQUEST || m->type == PAXOS_HEARTBEAT_REPLY;
}

static void send(struct cluster *c, uint32_t i, struct paxos_message *m)
{
    struct node *n = c->nodes[i];
    struct paxos_entry *entries[ENTRIES_MAX];
    struct checker_view view = view_of(c, n, entries);
    checker_message(cluster_change_history(c), i, &view, m);
    if (!is_heartbeat(m))
        cluster_add_message(c, m);
}

static void step(struct cluster *c, uint32_t i, const struct paxos_event *event);

static void output(struct cluster *c, uint32_t i)
{
    struct node *n = c->nodes[i];
    struct paxos_output out;
    int status = paxos_output(n->core, &out);
    assert(status == 0);
    uint64_t ticket = out.write.ticket;
    if (ticket)
        queue_write(n, &out.write);
    for (size_t k = 0; k < out.message_count; k++)
        send(c, i, &out.messages[k]);
    apply(c, i, out.decided);
    answer_reads(c, i, &out);
    n->needed = out.snapshot_needed;
    checker_output(cluster_change_history(c), i, n->core, &out);
    paxos_output_clear(&out);
    session_follow_ballot(c, i);
    if (ticket && !c->scope->slow_disks) {
        write_through(n);
        check_disk(c, i);
        step(c, i, &(struct paxos_event){.type = PAXOS_DURABLE, .ticket = ticket});
    }
}

static void step(struct cluster *c, uint32_t i, const struct paxos_event *event)
{
    int status = paxos_step(cluster_change_node(c, i)->core, event);
    assert(status == 0);
    output(c, i);
}

/* ---- moves ---- */

static void deliver(struct cluster *c, uint32_t at)
{
    struct flying *f = cluster_take_message(c, at);
    if (session_hears(c, &f->message))
        step(c, f->message.to - 1,
             &(struct paxos_event){.type = PAXOS_RECEIVE, .message = &f->message});
    flying_unref(f);
}

static void deliver_again(struct cluster *c, uint32_t at)
{
    const struct paxos_message *m = &c->messages[at]->message;
    step(c, m->to - 1, &(struct paxos_event){.type = PAXOS_RECEIVE, .message = m});
}

static void written(struct cluster *c, uint32_t i)
{
    uint64_t ticket = write_through(cluster_change_node(c, i));
    check_disk(c, i);
    step(c, i, &(struct paxos_event){.type = PAXOS_DURABLE, .ticket = ticket});
}

static void link_up(struct cluster *c, uint32_t i, uint32_t peer)
{
    step(c, i, &(struct paxos_event){.type = PAXOS_LINK_UP, .pid = peer + 1});
}

static void break_link(struct cluster *c, uint32_t a, uint32_t b)
{
    cluster_lose_messages(c, a, b);
    cluster_lose_messages(c, b, a);
    link_up(c, a, b);
    link_up(c, b, a);
}

/* Its own messages may still arrive; those on their way to it are lost with its connections. */
static void reconnect(struct cluster *c, uint32_t i)
{
    for (uint32_t peer = 0; peer < NODES; peer++) {
        if (peer == i)
            continue;
        cluster_lose_messages(c, peer, i);
        link_up(c, peer, i);
        link_up(c, i, peer);
    }
}

static void crash(struct cluster *c, uint32_t i, uint32_t writes_kept, bool tree_kept)
{
    struct node *n = cluster_change_node(c, i);
    for (; writes_kept > 0; writes_kept--)
        write_through(n);
    n->write_count = n->read_count = 0;
    n->installing = false;
    n->needed = 0;
    if (!tree_kept)
        n->applied = n->tree_durable;
    check_disk(c, i);
    paxos_free(n->core);
    cluster_start_node(c, i);
    output(c, i);
    if (c->scope->ordered)
        reconnect(c, i);
}

/* One of three may. */
static void lose_folder(struct cluster *c, uint32_t i)
{
    struct node *n = cluster_change_node(c, i);
    paxos_free(n->core);
    *n = (struct node){.refs = n->refs,
                       .life = n->life,
                       .membership.standing = PAXOS_FRESH,
                       .folder = n->life * NODES + i + 1};
    checker_lost(cluster_change_history(c), i);
    cluster_start_node(c, i);
    output(c, i);
    if (c->scope->ordered)
        reconnect(c, i);
}

static void elect(struct cluster *c, uint32_t i)
{
    core_elect(cluster_change_node(c, i)->core);
    output(c, i);
}

static void propose(struct cluster *c, uint32_t i)
{
    struct paxos_entry *entry = entry_of(c, c->next_id++);
    checker_proposed(cluster_change_history(c), checker_id(entry));
    step(c, i, &(struct paxos_event){.type = PAXOS_PROPOSE, .entries = &entry, .entry_count = 1});
}

static void read(struct cluster *c, uint32_t i)
{
    struct node *n = cluster_change_node(c, i);
    assert(n->read_count < READS_MAX);
    n->reads[n->read_count].id = ++n->read_last;
    n->reads[n->read_count].index = 0;
    n->reads[n->read_count].asked = ++c->session.asked;
    n->reads[n->read_count++].floor = checker_read_begins(&c->history->checker);
    step(c, i, &(struct paxos_event){.type = PAXOS_READ, .read = n->read_last});
}

static void end_session(struct cluster *c, uint32_t i)
{
    struct paxos_entry *entry = entry_of(c, c->next_id++);
    checker_proposed(cluster_change_history(c), checker_id(entry));
    session_ends(c, i, checker_id(entry));
    step(c, i, &(struct paxos_event){.type = PAXOS_PROPOSE, .entries = &entry, .entry_count = 1});
}

static void trim(struct cluster *c, uint32_t i)
{
    struct node *n = cluster_change_node(c, i);
    n->tree_durable = n->applied;
    step(c, i, &(struct paxos_event){.type = PAXOS_TRIM, .index = n->applied});
}

static void fetch(struct cluster *c, uint32_t i, uint32_t from)
{
    struct node *n = cluster_change_node(c, i);
    n->installing = true;
    n->applied = n->tree_durable = n->installed = c->nodes[from]->applied;
    check_disk(c, i);
}

static void installed(struct cluster *c, uint32_t i)
{
    struct node *n = cluster_change_node(c, i);
    n->installing = false;
    step(c, i, &(struct paxos_event){.type = PAXOS_SNAPSHOT_INSTALLED, .index = n->installed});
}

struct cluster *cluster_after(const struct cluster *before, struct move move)
{
    struct cluster *c = cluster_copy(before);
    struct budget *left = &c->left;
    switch ((enum move_type)move.type) {
    case DELIVER:
        deliver(c, move.at);
        break;
    case DUPLICATE:
        left->duplicates--;
        deliver_again(c, move.at);
        break;
    case WRITTEN:
        written(c, move.node);
        break;
    case CRASH:
    case CRASH_TREE_KEPT:
        left->crashes--;
        crash(c, move.node, move.at, move.type == CRASH_TREE_KEPT);
        break;
    case LOSE_FOLDER:
        left->losses--;
        lose_folder(c, move.node);
        break;
    case BREAK:
        left->breaks--;
        break_link(c, move.node, move.at);
        break;
    case ELECT:
        left->elections--;
        elect(c, move.node);
        break;
    case PROPOSE:
        left->proposals--;
        propose(c, move.node);
        break;
    case READ:
        left->reads--;
        read(c, move.node);
        break;
    case TICK:
        left->ticks--;
        step(c, move.node, &(struct paxos_event){.type = PAXOS_TICK});
        break;
    case TRIM:
        left->trims--;
        trim(c, move.node);
        break;
    case FETCH:
        fetch(c, move.node, move.at);
        break;
    case INSTALLED:
        installed(c, move.node);
        break;
    case END_SESSION:
        left->ends--;
        end_session(c, move.node);
        break;
    case MOVE_TYPE_END:
        assert(0);
    }
    cluster_settle(c);
    return c;
}

/* ---- for a person ---- */

void cluster_print_move(const struct cluster *before, struct move move)
{
    static const char *const names[MOVE_TYPE_END] = {"receives",
                                                     "receives (again later)",
                                                     "is told of a write",
                                                     "crashes, writes kept:",
                                                     "crashes with its tree, writes kept:",
                                                     "starts with an empty folder",
                                                     "loses and regains its link to",
                                                     "is elected",
                                                     "proposes",
                                                     "reads",
                                                     "ticks",
                                                     "trims",
                                                     "installs the tree of",
                                                     "is told of the snapshot",
                                                     "ends the session of node 1"};
    fprintf(stderr, "node %u %s", move.node + 1u, names[move.type]);
    if (move.type == DELIVER || move.type == DUPLICATE) {
        const struct paxos_message *m = &before->messages[move.at]->message;
        char text[DESCRIBE_TEXT_MAX];
        describe_message(m, text);
        fprintf(stderr, " of %u: %s psid %llu session %llu/%llu", m->from, text,
                (unsigned long long)m->psid, (unsigned long long)m->session,
                (unsigned long long)m->counter);
    } else if (move.type == CRASH || move.type == CRASH_TREE_KEPT) {
        fprintf(stderr, " %u", move.at);
    } else if (move.type == FETCH || move.type == BREAK) {
        fprintf(stderr, " node %u", move.at + 1u);
    }
    fputc('\n', stderr);
}
