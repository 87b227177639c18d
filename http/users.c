#include "http_internal.h"

#include <assert.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

enum { RECORD_BYTES = 16384 }; /* of the user database */

/* A user whose groups are known for a while. */
struct http_kept_user {
    TAILQ_ENTRY(http_kept_user) all;
    uint64_t until; /* ms of the loop's clock */
    struct http_user *user;
};

static struct http_user root;
static struct http_user nobody = {.caller = {.uid = OWNER_NOBODY, .gid = OWNER_NOBODY}};
static struct http_user stranger = {.standing = HTTP_USER_STRANGER};
static struct http_user crowded = {.standing = HTTP_USER_REFUSED,
                                   .why = "you are in more groups than quorumfs can look at (256)"};
static struct http_user unknown = {
    .standing = HTTP_USER_REFUSED,
    .why = "your groups cannot be looked up: the user database of this machine does not answer"};

struct http_user *http_user_nobody(void)
{
    return &nobody;
}

struct http_user *http_user_hold(struct http_user *user)
{
    if (user->holders > 0)
        user->holders++;
    return user;
}

void http_user_leave(struct http_user *user)
{
    if (user && user->holders > 0 && --user->holders == 0)
        free(user);
}

static struct http_user *user_new(uint32_t uid, uint32_t gid)
{
    struct http_user *user = calloc(1, sizeof *user);
    if (!user)
        return &unknown;
    user->holders = 1;
    user->caller.uid = uid;
    user->caller.gid = gid;
    return user;
}

/* ---- The user database ---- */

/* On any thread. A user that the database does not have has no groups. */
static struct http_user *user_look_up(uint32_t uid)
{
    struct passwd entry, *found = NULL;
    char record[RECORD_BYTES];
    gid_t groups[CALLER_GROUPS_MAX + 1]; /* with the first one */
    int count = CALLER_GROUPS_MAX + 1,
        error = getpwuid_r(uid, &entry, record, sizeof record, &found);
    bool missing = error == 0 || error == ENOENT || error == ESRCH; /* getpwnam(3) */
    if (!found)
        return missing ? user_new(uid, OWNER_NOBODY) : &unknown;
    if (getgrouplist(entry.pw_name, entry.pw_gid, groups, &count) < 0)
        return &crowded;
    struct http_user *user = user_new(uid, entry.pw_gid);
    for (int i = 0; i < count && user->standing == HTTP_USER_KNOWN; i++)
        if (groups[i] != entry.pw_gid)
            user->caller.groups[user->caller.group_count++] = groups[i];
    return user;
}

static void kept_remove(struct http_users *users, struct http_kept_user *kept)
{
    TAILQ_REMOVE(&users->kept, kept, all);
    users->kept_count--;
    http_user_leave(kept->user);
    free(kept);
}

/* Keeps what the job has found; without memory, it is looked up again. */
static void kept_add(struct http *http, struct http_user *user)
{
    struct http_users *users = &http->users;
    struct http_kept_user *kept = malloc(sizeof *kept);
    if (!kept)
        return;
    kept->until = uv_now(http->loop) + HTTP_GROUPS_MS;
    kept->user = http_user_hold(user);
    TAILQ_INSERT_TAIL(&users->kept, kept, all);
    if (users->kept_count++ == HTTP_GROUPS_USERS)
        kept_remove(users, TAILQ_FIRST(&users->kept));
}

static struct http_user *kept_find(struct http *http, uint32_t uid)
{
    struct http_users *users = &http->users;
    struct http_kept_user *kept;
    while ((kept = TAILQ_FIRST(&users->kept)) && kept->until <= uv_now(http->loop))
        kept_remove(users, kept);
    TAILQ_FOREACH(kept, &users->kept, all)
    {
        if (kept->user->caller.uid == uid)
            return kept->user;
    }
    return NULL;
}

static void users_look(void *arg)
{
    struct http_users *users = arg;
    users->found = user_look_up(users->uid);
}

static void on_users_looked(void *arg);

/* One user at a time: if the database hangs, it takes one thread of the pool. */
static void users_next(struct http *http)
{
    struct http_users *users = &http->users;
    const struct http_connection *first = TAILQ_FIRST(&users->waiting);
    if (users->looking || !first)
        return;
    users->looking = true;
    users->uid = first->waits_for;
    http_job(http, &users->job, users_look, on_users_looked, users);
}

static void on_users_looked(void *arg)
{
    struct http_users *users = arg;
    struct http *http = users->job.http;
    struct http_connection *c, *next;
    users->looking = false;
    for (c = TAILQ_FIRST(&users->waiting); c; c = next) {
        next = TAILQ_NEXT(c, waits);
        if (c->waits_for != users->uid)
            continue;
        http_user_give_up(c);
        c->user = http_user_hold(users->found);
        http_connection_user_found(c);
    }
    if (users->found->standing == HTTP_USER_KNOWN && !http->stopping)
        kept_add(http, users->found);
    http_user_leave(users->found);
    users_next(http);
}

/* ---- The user of a connection ---- */

static void find_by_id(struct http_connection *c, uint32_t uid)
{
    if (uid == 0)
        c->user = &root;
    else if (uid == OWNER_NOBODY)
        c->user = &nobody;
    else if ((c->user = kept_find(c->http, uid)))
        http_user_hold(c->user);
    else {
        c->waits_for = uid;
        c->is_waiting = true;
        TAILQ_INSERT_TAIL(&c->http->users.waiting, c, waits);
        users_next(c->http);
    }
}

static struct http_user *user_of_process(const struct owner *owner)
{
    if (owner->uid == 0)
        return &root;
    struct http_user *user = user_new(owner->uid, owner->gid);
    if (user->standing != HTTP_USER_KNOWN)
        return user;
    assert(owner->group_count <= CALLER_GROUPS_MAX);
    user->caller.group_count = owner->group_count;
    memcpy(user->caller.groups, owner->groups, owner->group_count * sizeof *owner->groups);
    return user;
}

void http_user_find(struct http_connection *c, const struct owner *owner)
{
    const struct config_user *as = &c->http->config->clients_as;
    switch (owner->kind) {
    case OWNER_UNKNOWN:
        c->user = &nobody;
        return;
    case OWNER_CROWDED:
        c->user = owner->uid == 0 ? &root : &crowded;
        return;
    case OWNER_PROCESS:
        c->user = user_of_process(owner);
        return;
    case OWNER_USER:
        find_by_id(c, owner->uid);
        return;
    case OWNER_ELSEWHERE:
        if (as->given && as->named)
            find_by_id(c, as->uid);
        else
            c->user = http_user_hold(as->given ? c->http->users.others : &stranger);
        return;
    }
}

void http_user_give_up(struct http_connection *c)
{
    if (c->is_waiting)
        TAILQ_REMOVE(&c->http->users.waiting, c, waits);
    c->is_waiting = false;
}

bool http_token_lasts(struct http *http, const struct tree_token *token)
{
    return token->expires == 0 || (uint64_t)token->expires > replica_time(http->replica);
}

bool http_user_holds(struct http *http, const struct http_user *user)
{
    struct tree_token token;
    if (user->caller.token == 0)
        return true;
    int status = tree_token_find(replica_tree(http->replica), user->token, &token);
    return status == 0 && token.caller.token == user->caller.token &&
           http_token_lasts(http, &token);
}

/* ---- All of them ---- */

int http_users_start(struct http *http)
{
    const struct config_user *as = &http->config->clients_as;
    TAILQ_INIT(&http->users.waiting);
    TAILQ_INIT(&http->users.kept);
    if (!as->given || as->named)
        return 0;
    http->users.others = as->uid == 0 ? &root : user_new(as->uid, as->gid);
    return http->users.others == &unknown ? -ENOMEM : 0;
}

void http_users_free(struct http *http)
{
    struct http_users *users = &http->users;
    while (!TAILQ_EMPTY(&users->kept))
        kept_remove(users, TAILQ_FIRST(&users->kept));
    http_user_leave(users->others);
    users->others = NULL;
}
