/* Moments: states of the tree that answers are read from which take more than one turn of the loop.
 *
 * A moment is a view of the tree (tree_view_open). Answers that begin while nothing is applied
 * share one, and a listing that goes on in a next page leaves its moment behind for that. A view
 * holds back the tree's write-ahead log, so moments are bounded three times: in number, in time,
 * and, by the tree, in the length of that log. An answer whose moment has ended begins again, if
 * nothing of it was sent yet. */
#include "http_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { MOMENTS_MAX = 32 };

struct http_moment {
    TAILQ_ENTRY(http_moment) all; /* the one that was used last comes last */
    struct tree_view *view;
    uint64_t revision;
    uint64_t until_ms; /* of the loop's clock: then it ends, whoever uses it */
    uint32_t users;
    bool kept; /* for a next page */
};

struct tree *http_moment_tree(const struct http_moment *moment)
{
    return moment->view ? tree_view_tree(moment->view) : NULL;
}

static void moment_end(struct http_moment *moment)
{
    if (moment->view)
        tree_view_close(moment->view);
    moment->view = NULL;
}

static void moment_free(struct http *http, struct http_moment *moment)
{
    assert(moment->users == 0);
    moment_end(moment);
    TAILQ_REMOVE(&http->moments, moment, all);
    http->moment_count--;
    free(moment);
}

void http_moment_stay(struct http *http, struct http_moment *moment, uint64_t ms)
{
    uint64_t until_ms = uv_now(http->loop) + ms;
    if (moment->until_ms < until_ms)
        moment->until_ms = until_ms;
}

static struct http_moment *moment_use(struct http *http, struct http_moment *moment)
{
    http_moment_stay(http, moment, http->moment_ms);
    moment->users++;
    TAILQ_REMOVE(&http->moments, moment, all);
    TAILQ_INSERT_TAIL(&http->moments, moment, all);
    return moment;
}

struct http_moment *http_moment_find(struct http *http, uint64_t revision)
{
    struct http_moment *moment;
    TAILQ_FOREACH(moment, &http->moments, all)
    {
        if (moment->revision == revision && http_moment_tree(moment))
            return moment_use(http, moment);
    }
    return NULL;
}

/* Frees the moment that nobody uses now and whose last use is the longest ago, if there is one. */
static void make_room(struct http *http)
{
    struct http_moment *moment;
    TAILQ_FOREACH(moment, &http->moments, all)
    {
        if (moment->users == 0)
            break;
    }
    if (moment)
        moment_free(http, moment);
}

int http_moment_now(struct http *http, struct http_moment **out)
{
    struct tree *tree = replica_tree(http->replica);
    *out = http_moment_find(http, tree_applied(tree));
    if (*out)
        return 0;
    if (http->moment_count >= MOMENTS_MAX)
        make_room(http);
    struct http_moment *moment =
        http->moment_count < MOMENTS_MAX ? calloc(1, sizeof *moment) : NULL;
    if (!moment)
        return -EBUSY;
    int status = tree_view_open(tree, &moment->view);
    if (status < 0) {
        free(moment);
        return status;
    }
    moment->revision = tree_applied(tree);
    TAILQ_INSERT_TAIL(&http->moments, moment, all);
    http->moment_count++;
    *out = moment_use(http, moment);
    return 0;
}

bool http_has_version(struct tree *tree, const struct attr *attr)
{
    struct attr there;
    return tree_getattr(tree, attr->ino, &there) == 0 && there.revision == attr->revision;
}

int http_moment_of(struct http *http, const struct attr *attr, struct http_moment **out)
{
    struct http_moment *moment;
    TAILQ_FOREACH(moment, &http->moments, all)
    {
        struct tree *tree = http_moment_tree(moment);
        if (tree && http_has_version(tree, attr)) {
            *out = moment_use(http, moment);
            return 0;
        }
    }
    return http_moment_now(http, out);
}

void http_moment_keep(struct http *http, struct http_moment *moment)
{
    moment->kept = true;
    http_moment_stay(http, moment, http->moment_ms);
}

void http_moment_leave(struct http *http, struct http_moment *moment)
{
    assert(moment->users > 0);
    moment->users--;
    if (moment->users == 0 && (!moment->kept || !http_moment_tree(moment)))
        moment_free(http, moment);
}

void http_moments_expire(struct http *http)
{
    struct http_moment *moment, *next;
    for (moment = TAILQ_FIRST(&http->moments); moment; moment = next) {
        next = TAILQ_NEXT(moment, all);
        if (moment->until_ms > uv_now(http->loop) && http_moment_tree(moment))
            continue;
        moment_end(moment);
        if (moment->users == 0)
            moment_free(http, moment);
    }
}

void http_moments_free(struct http *http)
{
    struct http_moment *moment;
    while ((moment = TAILQ_FIRST(&http->moments)))
        moment_free(http, moment);
}
