#include "fs/walk.h"

#include "fs/request.h"
#include "fs/special.h"

#include <assert.h>

static struct fs_walk *slot_of(struct fs_request *r)
{
    return &r->fs->walks.slots[(uint32_t)fuse_req_ctx(r->req)->pid % FS_WALKS_MAX];
}

static uint32_t hash_of(const char *name)
{
    uint32_t hash = 2166136261; /* FNV-1a */
    for (; *name; name++)
        hash = (hash ^ (uint8_t)*name) * 16777619;
    return hash;
}

static bool is_its_change(const struct fs_walk *walk, const struct op *ops, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t inos[] = {ops[i].ino, ops[i].ino2};
        for (int j = 0; j < 2; j++)
            if (inos[j] != 0 && (inos[j] == walk->at || inos[j] == walk->parent))
                return true;
    }
    return false;
}

static bool goes_on(const struct fs_walk *walk, const struct fs_request *r, const struct op *ops,
                    uint32_t count)
{
    uint64_t ino = fs_tree_ino(r->ino);
    if (walk->failed)
        return r->is_lookup && ino == walk->parent && hash_of(r->name) == walk->name;
    if (walk->at == FS_WALK_ANYWHERE)
        return true;
    if (count > 0)
        return is_its_change(walk, ops, count);
    return ino == walk->at && (r->is_lookup || walk->parent != 0);
}

void fs_walk_alone(struct fs_request *r)
{
    r->walk_began_ms = replica_now_ms();
}

void fs_walk_asks(struct fs_request *r, const struct op *ops, uint32_t count)
{
    pid_t tid = fuse_req_ctx(r->req)->pid;
    struct fs_walk *walk = slot_of(r);
    if (r->walk_began_ms != 0)
        return;
    r->walk_began_ms = replica_now_ms();
    if (walk->tid != tid || walk->began_ms == 0)
        return;
    if (r->walk_began_ms - walk->answered_ms < FS_WALK_PAUSE_MS && goes_on(walk, r, ops, count)) {
        r->by_path = walk->parent != 0;
        r->failed_before = walk->failed;
        if (tid != 0)
            r->walk_began_ms = walk->began_ms;
    }
    walk->began_ms = 0;
}

static void walk_remember(struct fs_request *r, struct fs_walk walk)
{
    assert(r->walk_began_ms != 0);
    walk.tid = fuse_req_ctx(r->req)->pid;
    walk.began_ms = r->walk_began_ms;
    walk.answered_ms = replica_now_ms();
    walk.parent = r->is_lookup ? fs_tree_ino(r->ino) : 0;
    *slot_of(r) = walk;
}

void fs_walk_steps(struct fs_request *r, uint64_t at)
{
    walk_remember(r, (struct fs_walk){.at = at});
}

void fs_walk_fails(struct fs_request *r)
{
    assert(r->is_lookup);
    if (!r->failed_before)
        walk_remember(r, (struct fs_walk){.failed = true, .name = hash_of(r->name)});
}

uint64_t fs_walk_deadline_ms(const struct fs_request *r)
{
    assert(r->walk_began_ms != 0);
    return r->walk_began_ms + r->fs->config->request_timeout_ms;
}
