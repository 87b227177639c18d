/* Changes of a key under conditions.
 *
 * A condition that an operation can hold is decided where the operation is applied. Any other (a
 * list of tags, a date) is compared with the key as a read finds it, and the operation then takes
 * effect only if the key is still the same; otherwise the comparison begins again. */
#include "condition.h"

#include <errno.h>
#include <stdlib.h>

enum { TRIES_MAX = 16 };

struct http_change {
    struct op op;
    replica_written_cb *done;
    uint32_t tries;
};

void http_change_free(struct http_change *change)
{
    free(change);
}

/* The command began with AS, of which nobody else has to know. */
static void on_written_as(void *arg, enum replica_outcome outcome,
                          const struct command_result *result)
{
    struct http_request *request = arg;
    struct command_result own = {0};
    if (result)
        own = command_result_behind(result, 1);
    request->written(request, outcome, result ? &own : NULL);
}

void http_submit(struct http_request *request, const struct op *ops, size_t count,
                 replica_written_cb *done)
{
    const struct caller *caller = &request->user->caller;
    struct command command = {0};
    struct bytes key = {0};
    int status = command_as(&command, caller);
    for (size_t i = 0; i < count && status == 0; i++) {
        status = command_add(&command, &ops[i]);
        key = ops[i].name;
    }
    if (status != 0) {
        command_free(&command);
        http_error(request, status == -ENOMEM ? HTTP_SERVICE_UNAVAILABLE : HTTP_CONTENT_TOO_LARGE,
                   key, "%s",
                   status == -ENOMEM ? "out of memory"
                                     : "keys and values are together too large for one change: "
                                       "send fewer in one request");
        return;
    }
    if (!request->change)
        buffer_free(&request->body); /* the command has it now */
    request->written = done;
    replica_submit(request->http->replica, &command, caller_is_root(caller) ? done : on_written_as,
                   request);
}

static void change_look(struct http_request *request);

static void on_changed(void *arg, enum replica_outcome outcome, const struct command_result *result)
{
    struct http_request *request = arg;
    struct http_change *change = request->change;
    if (outcome != REPLICA_DONE || result->status != -ECANCELED)
        change->done(request, outcome, result);
    else if (++change->tries < TRIES_MAX)
        change_look(request);
    else
        http_error(request, HTTP_SERVICE_UNAVAILABLE, change->op.name,
                   "the key changes too often to compare it: nothing has happened, try again");
}

static void on_looked(void *arg, enum replica_outcome outcome, struct replica_freshness freshness)
{
    struct http_request *request = arg;
    struct op op = request->change->op;
    if (outcome != REPLICA_DONE) {
        http_error_outcome(request, outcome, false, op.name);
        return;
    }
    struct attr attr;
    int status = http_find_for(replica_tree(request->http->replica), &request->user->caller,
                               op.name, 0, &attr);
    if (status != 0 && status != -ENOENT) {
        http_error_errno(request, status, op.name);
        return;
    }
    struct http_selected selected = {.exists = status == 0};
    if (selected.exists) {
        selected.revision = attr.revision;
        selected.changed = attr.ctime > attr.mtime ? attr.ctime : attr.mtime;
    }
    if (http_conditions_check(&request->head, &selected) != 0) {
        http_error_errno(request, -ECANCELED, op.name);
        return;
    }
    op.flags |= selected.exists ? OP_IF_REVISION : OP_IF_ABSENT;
    op.revision = selected.revision;
    http_submit(request, &op, 1, on_changed);
}

static void change_look(struct http_request *request)
{
    http_read(request, REPLICA_LINEARIZABLE, on_looked);
}

void http_change_key(struct http_request *request, const struct op *op, replica_written_cb *done)
{
    struct op conditional = *op;
    if (!http_conditions_ok(request))
        return;
    if (http_conditions_add(&request->head, &conditional)) {
        http_submit(request, &conditional, 1, done);
        return;
    }
    request->change = malloc(sizeof *request->change);
    if (!request->change) {
        http_error_errno(request, -ENOMEM, op->name);
        return;
    }
    *request->change = (struct http_change){.op = *op, .done = done};
    change_look(request);
}
