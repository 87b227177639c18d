/* What should be equal at all nodes. Each node says in its handshake what it has; a difference is
 * told in the log of both, and in the status.
 *
 * The heartbeat is the one thing that a node takes over: all use the median of what the members
 * have been told, so that one wrong value neither makes fail-over slow nor elections restless. Of
 * an even number it is the lower one of the two in the middle. Leases hold for as long as the
 * messages say, whatever nodes are told; a node whose lease_time is different only asks for others.
 */
#include "replica/replica_internal.h"

#include "base/trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct remarks {
    void (*say)(void *arg, const char *text);
    void *arg;
};

static __attribute__((format(printf, 2, 3))) void remark(const struct remarks *to,
                                                         const char *format, ...)
{
    char text[REPLICA_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    to->say(to->arg, text);
}

/* ---- The heartbeat ---- */

static uint32_t median_heartbeat(const struct replica *r)
{
    uint32_t values[PAXOS_NODES_MAX + 1], count = 1;
    values[0] = r->config->heartbeat_ms;
    for (uint32_t i = 0; i < r->cluster.count; i++) {
        const struct replica_member *member = &r->cluster.members[i];
        uint32_t value = member->settings.heartbeat_ms, at = count;
        if (member->pid == r->cluster.me || value == 0)
            continue;
        for (; at > 0 && values[at - 1] > value; at--)
            values[at] = values[at - 1];
        values[at] = value;
        count++;
    }
    return values[(count - 1) / 2];
}

static void follow_heartbeat(struct replica *r)
{
    uint64_t median = median_heartbeat(r);
    uv_timer_t *timer = &r->timers.heartbeat;
    if (uv_timer_get_repeat(timer) == median)
        return;
    trace_info("settings", "a heartbeat every %" PRIu64 " ms", median);
    uv_timer_set_repeat(timer, median);
    uv_timer_again(timer);
}

/* ---- Differences ---- */

static void remark_differences(const struct replica *r, const struct replica_member *member,
                               const struct remarks *to)
{
    const struct peer_settings *its = &member->settings;
    if (its->heartbeat_ms == 0)
        return;
    if (its->heartbeat_ms != r->config->heartbeat_ms)
        remark(to,
               "heartbeat_ms is %u at node %u (%s) and %u here: all nodes use %u; set it to the "
               "same everywhere",
               its->heartbeat_ms, member->pid, member->addr, r->config->heartbeat_ms,
               median_heartbeat(r));
    if (its->lease_ms != r->config->lease_time_ms)
        remark(to,
               "lease_time is %u ms at node %u (%s) and %u ms here: set it to the same everywhere",
               its->lease_ms, member->pid, member->addr, r->config->lease_time_ms);
    if (its->session_ms > 0 && its->session_ms != r->config->session_time_ms)
        remark(
            to,
            "session_time is %u ms at node %u (%s) and %u ms here: set it to the same everywhere",
            its->session_ms, member->pid, member->addr, r->config->session_time_ms);
    if (strcmp(its->version, QUORUMFS_VERSION) != 0)
        remark(to, "node %u (%s) runs version %s of quorumfs, and this node " QUORUMFS_VERSION,
               member->pid, member->addr, its->version);
}

static void remark_address(const struct replica *r, const struct replica_member *member,
                           const struct remarks *to)
{
    enum peer_address address = peer_address(r->peer, member->pid);
    if (address == PEER_ADDRESS_OWN)
        remark(to, "%s, which is taken for node %u, leads to this node itself", member->peer_addr,
               member->pid);
    if (address == PEER_ADDRESS_FOREIGN && !r->cluster.identity.cluster)
        remark(to, "a node answers at %s, but none has called that says that this is its addr",
               member->peer_addr);
    if (member->other_peers && !r->cluster.identity.cluster)
        remark(to, "%s has another list of peers than this node", member->addr);
}

void settings_remarks(const struct replica *r, void (*say)(void *arg, const char *text), void *arg)
{
    struct remarks to = {say, arg};
    for (uint32_t i = 0; i < r->cluster.count; i++) {
        const struct replica_member *member = &r->cluster.members[i];
        if (member->pid == r->cluster.me)
            continue;
        remark_differences(r, member, &to);
        remark_address(r, member, &to);
    }
}

static void tell_log(void *arg, const char *text)
{
    trace_warn("settings", "%s", text);
}

void settings_housekeeping(struct replica *r)
{
    for (uint32_t i = 0; i < r->cluster.count; i++) {
        struct replica_member *member = &r->cluster.members[i];
        struct peer_settings its = {0};
        if (!peer_settings(r->peer, member->pid, &its) ||
            memcmp(&its, &member->settings, sizeof its) == 0)
            continue;
        member->settings = its;
        remark_differences(r, member, &(struct remarks){.say = tell_log});
    }
    follow_heartbeat(r);
}
