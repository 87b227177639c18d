#include "peer/greeting.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* With the colon, as lws_hdr_custom_copy wants them. */
static const char header_from[] = "x-quorumfs-node:";
static const char header_to[] = "x-quorumfs-to:";
static const char header_cluster[] = "x-quorumfs-cluster:";
const char greeting_header_secret[] = "x-quorumfs-secret:";
static const char header_levels[] = "x-quorumfs-levels:";
static const char header_standing[] = "x-quorumfs-standing:";
static const char header_start[] = "x-quorumfs-start:";
static const char header_seen[] = "x-quorumfs-seen:";
static const char header_process[] = "x-quorumfs-process:";
static const char header_settings[] = "x-quorumfs-settings:";
static const char header_addr[] = "x-quorumfs-addr:";
static const char header_members[] = "x-quorumfs-members:";

enum {
    NUMBER_TEXT_MAX = 24,
    PAIR_TEXT_MAX = 40,
    SETTINGS_TEXT_MAX = 256,
    ADDRS_TEXT_MAX = 2 * PEER_ADDR_MAX + 2,
    MEMBERS_TEXT_MAX = PAXOS_NODES_MAX * (ADDRS_TEXT_MAX + 12),
};

static const char *const standing_names[] = {
    [PEER_NEW] = "new", [PEER_FOUNDING] = "founding", [PEER_MEMBER] = "member"};

/* ---- Writing ---- */

static void pair_text(uint64_t first, uint64_t second, char text[PAIR_TEXT_MAX])
{
    snprintf(text, PAIR_TEXT_MAX, "%016" PRIx64 "-%016" PRIx64, first, second);
}

/* Text that is built up in a given room; what does not fit makes `at` equal `end`. */
struct header_text {
    char *at, *end;
};

static __attribute__((format(printf, 2, 3))) void text_put(struct header_text *text,
                                                           const char *format, ...)
{
    size_t room = (size_t)(text->end - text->at);
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text->at, room, format, args);
    va_end(args);
    text->at = len >= 0 && (size_t)len < room ? text->at + len : text->end;
}

/* Whether this node knows its cluster, and where each member is. A part of the members would be
 * taken for all of them: the node that is told has quorums of the wrong size then. */
static bool knows_members(const struct peer *peer)
{
    bool all = peer->standing != PEER_NEW && peer->self.addr[0];
    for (uint32_t i = 0; i < peer->count; i++)
        all = all && peer->links[i].name[0] && peer->links[i].addr[0];
    return all;
}

static void put_start(struct header_text *text, const char *header, struct start start)
{
    char pair[PAIR_TEXT_MAX];
    pair_text(start.incarnation, start.token, pair);
    if (start.incarnation)
        text_put(text, "%s %s\r\n", header, pair);
}

static void put_members(struct header_text *text, const struct peer *peer)
{
    if (!knows_members(peer))
        return;
    text_put(text, "%s %u,%s,%s", header_members, peer->me, peer->self.addr, peer->self.peer_addr);
    for (uint32_t i = 0; i < peer->count; i++)
        text_put(text, " %u,%s,%s", peer->links[i].pid, peer->links[i].name, peer->links[i].addr);
    text_put(text, "\r\n");
}

int greeting_write(const struct link *link, char **at, size_t room)
{
    const struct peer *peer = link->peer;
    struct header_text text = {*at, *at + room};
    char scope[PAIR_TEXT_MAX];
    pair_text(peer->scope.cluster, peer->scope.configuration, scope);
    text_put(&text, "%s %u\r\n%s %u\r\n%s %s\r\n", header_from, peer->me, header_to, link->pid,
             header_cluster, scope);
    if (peer->secret[0] && !link->out_secure)
        text_put(&text, "%s %s\r\n", greeting_header_secret, peer->secret);
    text_put(&text, "%s %u-%u\r\n", header_levels, peer->levels.min, peer->levels.max);
    text_put(&text, "%s %s\r\n", header_standing, standing_names[peer->standing]);
    put_start(&text, header_start, peer->start);
    put_start(&text, header_seen, link->seen);
    text_put(&text, "%s %016" PRIx64 "\r\n", header_process, peer->process);
    text_put(&text, "%s heartbeat_ms=%u lease_ms=%u session_ms=%u version=%s\r\n", header_settings,
             peer->settings.heartbeat_ms, peer->settings.lease_ms, peer->settings.session_ms,
             peer->settings.version);
    if (peer->self.addr[0])
        text_put(&text, "%s %s,%s\r\n", header_addr, peer->self.addr, peer->self.peer_addr);
    put_members(&text, peer);
    if (text.at == text.end)
        return -ENOSPC;
    *at = text.at;
    return 0;
}

/* ---- Reading ---- */

/* A missing header is an empty one. Returns false if it is too long. */
bool greeting_header(struct lws *wsi, const char *name, char *value, size_t size)
{
    memset(value, 0, size);
    int nothing = lws_hdr_custom_length(wsi, name, (int)strlen(name)) < 0;
    return nothing || lws_hdr_custom_copy(wsi, value, (int)size, name, (int)strlen(name)) >= 0;
}

static bool parse_number(const char *text, int base, uint64_t max, uint64_t *number)
{
    char *end;
    errno = 0;
    *number = strtoull(text, &end, base);
    return text[0] >= '0' && errno == 0 && *end == '\0' && *number <= max;
}

static bool parse_u32(const char *text, uint32_t *number)
{
    uint64_t wide;
    bool right = parse_number(text, 10, UINT32_MAX, &wide);
    *number = (uint32_t)wide;
    return right;
}

static bool greeting_read_number(struct lws *wsi, const char *name, uint32_t *number)
{
    char text[NUMBER_TEXT_MAX];
    return greeting_header(wsi, name, text, sizeof text) && parse_u32(text, number);
}

/* "NUMBER-NUMBER", each with 16 digits: there is one way to write it. */
static bool parse_pair(char *text, uint64_t *first, uint64_t *second)
{
    char again[PAIR_TEXT_MAX];
    char *rest = strchr(text, '-');
    if (!rest)
        return false;
    *rest++ = '\0';
    bool right =
        parse_number(text, 16, UINT64_MAX, first) && parse_number(rest, 16, UINT64_MAX, second);
    *--rest = '-';
    pair_text(*first, *second, again);
    return right && strcmp(text, again) == 0;
}

static bool greeting_read_scope(struct lws *wsi, struct frame_scope *scope)
{
    char text[PAIR_TEXT_MAX];
    return greeting_header(wsi, header_cluster, text, sizeof text) &&
           parse_pair(text, &scope->cluster, &scope->configuration);
}

static bool greeting_read_start(struct lws *wsi, const char *header, struct start *start)
{
    char text[PAIR_TEXT_MAX];
    return greeting_header(wsi, header, text, sizeof text) &&
           (!text[0] || parse_pair(text, &start->incarnation, &start->token));
}

/* A node that says nothing speaks level 1 and no other. */
static bool greeting_read_levels(struct lws *wsi, struct peer_levels *levels)
{
    char text[NUMBER_TEXT_MAX];
    *levels = (struct peer_levels){1, 1};
    if (!greeting_header(wsi, header_levels, text, sizeof text))
        return false;
    if (!text[0])
        return true;
    char *max = strchr(text, '-');
    if (!max)
        return false;
    *max++ = '\0';
    return parse_u32(text, &levels->min) && parse_u32(max, &levels->max) && levels->min >= 1 &&
           levels->min <= levels->max;
}

static bool greeting_read_standing(struct lws *wsi, enum peer_standing *standing)
{
    char text[NUMBER_TEXT_MAX];
    *standing = PEER_FORMER;
    if (!greeting_header(wsi, header_standing, text, sizeof text))
        return false;
    for (size_t i = 0; i < sizeof standing_names / sizeof *standing_names; i++) {
        if (strcmp(text, standing_names[i]) == 0)
            *standing = (enum peer_standing)i;
    }
    return !text[0] || *standing != PEER_FORMER;
}

static bool greeting_read_process(struct lws *wsi, uint64_t *process)
{
    char text[NUMBER_TEXT_MAX];
    return greeting_header(wsi, header_process, text, sizeof text) &&
           (!text[0] || parse_number(text, 16, UINT64_MAX, process));
}

/* It gets into logs. */
static bool take_version(const char *value, char version[PEER_VERSION_MAX])
{
    size_t len =
        strspn(value, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.+~-");
    if (value[len] || len >= PEER_VERSION_MAX)
        return false;
    strcpy(version, value);
    return true;
}

static bool take_setting(char *item, struct peer_settings *settings)
{
    char *value = strchr(item, '=');
    if (!value)
        return false;
    *value++ = '\0';
    if (strcmp(item, "heartbeat_ms") == 0)
        return parse_u32(value, &settings->heartbeat_ms);
    if (strcmp(item, "lease_ms") == 0)
        return parse_u32(value, &settings->lease_ms);
    if (strcmp(item, "session_ms") == 0)
        return parse_u32(value, &settings->session_ms);
    if (strcmp(item, "version") == 0)
        return take_version(value, settings->version);
    return true; /* later versions may have more */
}

static bool greeting_read_settings(struct lws *wsi, struct peer_settings *settings)
{
    char text[SETTINGS_TEXT_MAX], *rest = text, *item;
    if (!greeting_header(wsi, header_settings, text, sizeof text))
        return false;
    while ((item = strsep(&rest, " "))) {
        if (item[0] && !take_setting(item, settings))
            return false;
    }
    return true;
}

static bool take_addr(const char *text, char addr[PEER_ADDR_MAX])
{
    struct address address;
    if (!text || strlen(text) >= PEER_ADDR_MAX || address_parse(text, &address) < 0)
        return false;
    strcpy(addr, text);
    return true;
}

/* "ADDR,PEER_ADDR" */
static bool take_addrs(char *text, struct peer_member *member)
{
    char *rest = text;
    return take_addr(strsep(&rest, ","), member->addr) &&
           take_addr(strsep(&rest, ","), member->peer_addr) && !rest;
}

static bool is_named(const struct peer_greeting *greeting, uint32_t pid)
{
    for (uint32_t i = 0; i < greeting->count; i++) {
        if (greeting->members[i].pid == pid)
            return true;
    }
    return false;
}

/* "ID,ADDR,PEER_ADDR"; each id once. */
static bool take_member(char *text, struct peer_greeting *greeting)
{
    struct peer_member *member = &greeting->members[greeting->count];
    char *addrs = strchr(text, ',');
    if (!addrs || greeting->count == PAXOS_NODES_MAX)
        return false;
    *addrs++ = '\0';
    if (!parse_u32(text, &member->pid) || member->pid == 0 || is_named(greeting, member->pid) ||
        !take_addrs(addrs, member))
        return false;
    greeting->count++;
    return true;
}

static bool greeting_read_members(struct lws *wsi, struct peer_greeting *greeting)
{
    char text[MEMBERS_TEXT_MAX], *rest = text, *item;
    if (!greeting_header(wsi, header_members, text, sizeof text))
        return false;
    while ((item = strsep(&rest, " "))) {
        if (item[0] && !take_member(item, greeting))
            return false;
    }
    return true;
}

static bool greeting_read_addrs(struct lws *wsi, struct peer_member *dialler)
{
    char text[ADDRS_TEXT_MAX];
    return greeting_header(wsi, header_addr, text, sizeof text) &&
           (!text[0] || take_addrs(text, dialler));
}

bool greeting_read(struct lws *wsi, struct peer_greeting *greeting)
{
    *greeting = (struct peer_greeting){0};
    return greeting_read_number(wsi, header_from, &greeting->dialler.pid) &&
           greeting_read_number(wsi, header_to, &greeting->to) &&
           greeting_read_scope(wsi, &greeting->scope) &&
           greeting_read_levels(wsi, &greeting->levels) &&
           greeting_read_standing(wsi, &greeting->standing) &&
           greeting_read_start(wsi, header_start, &greeting->start) &&
           greeting_read_start(wsi, header_seen, &greeting->seen) &&
           greeting_read_process(wsi, &greeting->process) &&
           greeting_read_settings(wsi, &greeting->settings) &&
           greeting_read_addrs(wsi, &greeting->dialler) && greeting_read_members(wsi, greeting);
}
