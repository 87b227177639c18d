/* What an entry changed, collected while it is applied. Names are borrowed from the entry, or kept
 * here until the next one. */
#include "store/tree_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { REPORT_MIN = 16, REPORT_KEPT = 4096 }; /* changes: room at first; room that is kept */

void tree_observe(struct tree *tree, bool observed)
{
    tree->observed = observed;
}

const struct tree_changes *tree_changes(const struct tree *tree)
{
    return &tree->told;
}

uint64_t tree_emptied(const struct tree *tree)
{
    return tree->emptied;
}

void changes_forget(struct tree *tree)
{
    tree->emptied = 0;
    tree->stirred_count = 0;
    if (tree->report_max > REPORT_KEPT) {
        free(tree->report);
        tree->report = NULL;
        tree->report_max = 0;
    }
    tree->told = (struct tree_changes){0};
    struct told_name *name;
    while ((name = SLIST_FIRST(&tree->told_names))) {
        SLIST_REMOVE_HEAD(&tree->told_names, next);
        free(name);
    }
}

void changes_undo(struct tree *tree, uint32_t count)
{
    assert(count <= tree->told.count);
    tree->told.count = count;
    tree->emptied = 0;
}

int changes_keep_name(struct change *c, struct bytes *name)
{
    if (!c->tree->observed)
        return 0;
    struct told_name *kept = malloc(sizeof *kept + name->len);
    if (!kept)
        return tree_fail(c->tree, -ENOMEM, "out of memory for what an entry changed");
    memcpy(kept->bytes, name->data, name->len);
    SLIST_INSERT_HEAD(&c->tree->told_names, kept, next);
    name->data = kept->bytes;
    return 0;
}

/* An observer must hear of every change, so the node stops if there is no memory for one. */
static int report_grow(struct tree *tree)
{
    uint32_t max = tree->report_max > 0 ? 2 * tree->report_max : REPORT_MIN;
    assert(max > tree->report_max);
    struct tree_change *report = realloc(tree->report, max * sizeof *report);
    if (!report)
        return tree_fail(tree, -ENOMEM, "out of memory for what an entry changed");
    tree->report = report;
    tree->report_max = max;
    return 0;
}

void changes_add(struct change *c, const struct tree_change *change)
{
    struct tree *tree = c->tree;
    struct tree_changes *told = &tree->told;
    assert(tree->observed || change->kind >= CHANGE_LOCK_GRANTED);
    assert(told->count == 0 || told->revision == c->revision);
    if (told->count == tree->report_max && report_grow(tree) < 0)
        return;
    told->revision = c->revision;
    told->node = c->node;
    told->list = tree->report;
    tree->report[told->count++] = *change;
}
