/* Observers hear what entries change. The tree collects it only while there is one. */
#include "replica/replica_internal.h"

void observers_begin(struct replica *r)
{
    LIST_INIT(&r->observers.all);
}

static void observe_what_is_wanted(struct replica *r)
{
    const struct replica_observer *observer;
    bool keys = false;
    LIST_FOREACH(observer, &r->observers.all, entry)
    {
        keys |= !observer->locks_only;
    }
    tree_observe(r->tree, keys);
}

void replica_observe(struct replica *r, struct replica_observer *observer)
{
    LIST_INSERT_HEAD(&r->observers.all, observer, entry);
    observe_what_is_wanted(r);
}

void replica_observe_end(struct replica *r, struct replica_observer *observer)
{
    if (r->observers.next == observer)
        r->observers.next = LIST_NEXT(observer, entry);
    LIST_REMOVE(observer, entry);
    observe_what_is_wanted(r);
}

/* The next one to tell, or NULL. An observer that begins now comes first in the list, so it is not
 * told; one that ends is passed over by replica_observe_end. */
static struct replica_observer *observer_after(struct replica *r)
{
    struct replica_observer *observer = r->observers.next;
    r->observers.next = observer ? LIST_NEXT(observer, entry) : NULL;
    return observer;
}

void observers_applied(struct replica *r)
{
    const struct tree_changes *changes = tree_changes(r->tree);
    struct replica_observer *observer;
    if (changes->count == 0)
        return;
    r->observers.next = LIST_FIRST(&r->observers.all);
    while ((observer = observer_after(r)))
        observer->changed(observer->arg, changes);
}

void observers_replaced(struct replica *r, uint64_t index)
{
    struct replica_observer *observer;
    r->observers.next = LIST_FIRST(&r->observers.all);
    while ((observer = observer_after(r)))
        observer->replaced(observer->arg, index);
}
