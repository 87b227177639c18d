/* One replica on a real disk, without its peers: with a log that an earlier life has left, and
 * with a disk that fails. */
#include "paxos/state.h"
#include "replica/state.h"
#include "tree_fixture.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { HEARTBEAT_MS = 20, PATIENCE_MS = 20000, QUIET_MS = 10 * HEARTBEAT_MS };

struct node {
    struct config config;
    uint64_t cluster;
    uint32_t pid;
    uv_loop_t loop;
    struct lws_context *websockets;
    struct replica *replica;
    char broken[FAULT_TEXT_MAX];
    bool written, stopped;
    enum replica_outcome outcome;
    uint64_t revision; /* of the last write */
    uint64_t told;     /* the last revision that an observer heard of */
};

/* ---- The node ---- */

static void on_broken(void *arg, int status, const char *text)
{
    struct node *n = arg;
    snprintf(n->broken, sizeof n->broken, "%s", text);
}

static void on_stopped(void *arg)
{
    ((struct node *)arg)->stopped = true;
}

static void on_late(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

/* Until the condition holds, or so long. */
#define run_while(n, condition, ms)                                                                \
    do {                                                                                           \
        bool late = false;                                                                         \
        uv_timer_t timer;                                                                          \
        uv_timer_init(&(n)->loop, &timer);                                                         \
        timer.data = &late;                                                                        \
        uv_timer_start(&timer, on_late, (ms), 0);                                                  \
        while ((condition) && !late)                                                               \
            uv_run(&(n)->loop, UV_RUN_ONCE);                                                       \
        uv_close((uv_handle_t *)&timer, NULL);                                                     \
        uv_run(&(n)->loop, UV_RUN_NOWAIT);                                                         \
    } while (0)

static struct node *node_new(uint32_t peers)
{
    struct node *n = calloc(1, sizeof *n);
    assert_non_null(n);
    scratch_folder(n->config.dir);
    strcpy(n->config.me.addr, "127.0.0.1:1"); /* nothing listens there, or on the next */
    strcpy(n->config.me.peer_addr, n->config.me.addr);
    n->config.peer_count = peers;
    for (uint32_t i = 0; i < peers; i++) {
        snprintf(n->config.peers[i].addr, CONFIG_ADDR_MAX, "127.0.0.1:%u", i + 2);
        strcpy(n->config.peers[i].peer_addr, n->config.peers[i].addr);
    }
    n->config.heartbeat_ms = HEARTBEAT_MS;
    n->config.request_timeout_ms = 5000;
    uint32_t pids[PAXOS_NODES_MAX - 1];
    config_cluster(&n->config, &n->cluster, &n->pid, pids);
    return n;
}

static void node_start(struct node *n)
{
    struct fault fault;
    void *loops[] = {&n->loop};
    struct lws_context_creation_info info = {
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .foreign_loops = loops,
        .pt_serv_buf_size = PEER_PIECE_BYTES,
        .max_http_header_data = PEER_HEADERS_MAX,
        .port = CONTEXT_PORT_NO_LISTEN,
        .pcontext = &n->websockets,
    };
    assert_int_equal(uv_loop_init(&n->loop), 0);
    n->websockets = lws_create_context(&info);
    assert_non_null(n->websockets);
    if (replica_start(&n->loop, n->websockets, NULL, &n->config, on_broken, n, &n->replica,
                      &fault) < 0)
        fail_msg("%s", fault.text);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

static void node_free(struct node *n)
{
    replica_stop(n->replica, on_stopped, n);
    run_while(n, !n->stopped, PATIENCE_MS);
    assert_true(n->stopped);
    /* libwebsockets closes its handles in the loop; only then does a second call free it. */
    lws_context_destroy(n->websockets);
    for (int turn = 0; turn < 4; turn++)
        uv_run(&n->loop, UV_RUN_NOWAIT);
    if (n->websockets)
        lws_context_destroy(n->websockets);
    replica_free(n->replica);
    uv_loop_close(&n->loop);
    nftw(n->config.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(n);
}

static void on_written(void *arg, enum replica_outcome outcome, const struct command_result *result)
{
    struct node *n = arg;
    n->written = true;
    n->outcome = outcome;
    n->revision = result ? result->revision : 0;
}

static struct command put(const char *key, const char *value)
{
    struct command command = {0};
    struct op op = make_put(key, value);
    assert_int_equal(command_add(&command, &op), 0);
    return command;
}

static void submit(struct node *n, const char *key, const char *value)
{
    struct command command = put(key, value);
    n->written = false;
    replica_submit(n->replica, &command, on_written, n);
}

/* ---- Entries of an earlier life in log.db ---- */

static void on_log_durable(void *arg, uint64_t ticket)
{
}

static void on_log_failed(void *arg, int status, const char *text)
{
    fail_msg("%s", text);
}

static void on_log_full(void *arg, bool full)
{
    fail_msg("the disk is full");
}

static void on_log_closed(void *arg)
{
}

static struct paxos_entry *entry_of(uint32_t node, uint64_t incarnation, const char *key)
{
    struct command command = put(key, "of before");
    command_stamp(
        &command,
        &(struct stamp){
            .node = node, .incarnation = incarnation, .sequence = 1, .lowest = 1, .time = 1});
    struct paxos_entry *entry = paxos_entry_new(command.bytes.data, (uint32_t)command.bytes.len);
    command_free(&command);
    return entry;
}

/* Accepted and not decided: the first command of two nodes, this one's of an earlier incarnation.
 */
static void leave_entries(struct node *n, uint64_t incarnation, uint32_t life)
{
    struct identity identity = {.cluster = n->cluster, .node = n->pid};
    struct folder *folder;
    struct log *log;
    struct paxos_stored stored;
    struct fault fault;
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(folder_open(n->config.dir, &folder, &fault), 0);
    struct paxos_membership members =
        paxos_membership_of((uint32_t[]){1, 2, 3}, n->config.peer_count + 1, PAXOS_MEMBER);
    assert_int_equal(log_open(folder, &identity, &members, 0, 0, &log, &stored, &fault), 0);
    log_stored_clear(&stored);
    struct log_callbacks callbacks = {on_log_durable, on_log_failed, on_log_full, NULL};
    assert_int_equal(log_start(log, &loop, &callbacks), 0);
    struct paxos_write write = {.ticket = 1,
                                .promise = {1, 0, n->pid},
                                .acc_round = {1, 0, n->pid},
                                .entry_count = 2,
                                .entries = malloc(2 * sizeof *write.entries),
                                .membership = members};
    write.membership.members[n->pid - 1].life = life;
    write.entries[0] = entry_of(n->pid, incarnation, "own");
    write.entries[1] = entry_of(n->pid + 1, UINT64_MAX / 2, "other");
    assert_int_equal(log_write(log, &write), 0);
    log_close(log, on_log_closed, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    folder_close(folder);
}

/* ---- The tests ---- */

/* Its sequences begin anew; commands of another life or another node answer no caller here. */
static void results_of_others_answer_nobody(void **state)
{
    struct node *n = node_new(0);
    leave_entries(n, 1, 0);
    node_start(n);
    submit(n, "now", "new");
    run_while(n, !n->written, PATIENCE_MS);
    assert_int_equal(n->outcome, REPLICA_DONE);
    assert_int_equal(n->revision, 3);
    struct attr attr;
    assert_int_equal(tree_resolve(replica_tree(n->replica), text("own"), &attr), 0);
    assert_int_equal(tree_resolve(replica_tree(n->replica), text("other"), &attr), 0);
    assert_int_equal(tree_resolve(replica_tree(n->replica), text("now"), &attr), 0);
    node_free(n);
}

/* Exactly once, also where the folder was emptied and counts its starts from one again: the life is
 * what tells this first command from the one that a first start proposed before. */
static void a_command_of_an_earlier_life_is_another_command(void **state)
{
    struct node *n = node_new(0);
    leave_entries(n, LOG_INCARNATION_STEP, 1);
    node_start(n);
    submit(n, "now", "new");
    run_while(n, !n->written, PATIENCE_MS);
    assert_int_equal(n->outcome, REPLICA_DONE);
    struct attr attr;
    assert_int_equal(tree_resolve(replica_tree(n->replica), text("own"), &attr), 0);
    assert_int_equal(tree_resolve(replica_tree(n->replica), text("now"), &attr), 0);
    node_free(n);
}

/* Without a quorum what was accepted may still be replaced. */
static void undecided_entries_are_not_applied(void **state)
{
    struct node *n = node_new(2);
    leave_entries(n, 1, 0);
    node_start(n);
    run_while(n, true, QUIET_MS);
    struct replica_status status;
    replica_status(n->replica, &status);
    assert_int_equal(status.paxos.accepted, 2);
    assert_int_equal(status.applied, 0);
    run_while(n, !replica_refuses_writes(n->replica), PATIENCE_MS);
    submit(n, "now", "new");
    assert_true(n->written);
    assert_int_equal(n->outcome, REPLICA_NO_QUORUM);
    node_free(n);
}

/* Trap 13. */
static void on_changed(void *arg, const struct tree_changes *changes)
{
    struct node *n = arg;
    assert_false(n->written);
    assert_int_equal(changes->node, n->pid);
    assert_int_equal(changes->count, 2);
    assert_int_equal(changes->list[1].kind, CHANGE_CREATED);
    assert_true(bytes_equal(changes->list[1].name, bytes_of_text("name")));
    n->told = changes->revision;
}

static void observers_are_told_before_the_answer(void **state)
{
    struct node *n = node_new(0);
    struct replica_observer observer = {.changed = on_changed, .arg = n};
    node_start(n);
    replica_observe(n->replica, &observer);
    submit(n, "a/name", "x");
    run_while(n, !n->written, PATIENCE_MS);
    assert_int_equal(n->outcome, REPLICA_DONE);
    assert_int_equal(n->told, n->revision);
    replica_observe_end(n->replica, &observer);
    node_free(n);
}

static void on_checkpoint(void *arg, int status, uint64_t index)
{
    *(bool *)arg = true;
    assert_int_equal(status, 0);
}

/* From here on neither a commit nor a checkpoint has anything to write. */
static void settle_tree(struct node *n)
{
    struct tree *tree = replica_tree(n->replica);
    bool done = false;
    assert_int_equal(tree_commit(tree), 0);
    while (tree_checkpoint(tree, &n->loop, on_checkpoint, &done) == -EBUSY)
        uv_run(&n->loop, UV_RUN_ONCE);
    run_while(n, !done, PATIENCE_MS);
    assert_true(done);
}

static void a_failed_write_ends_the_node(void **state)
{
    struct node *n = node_new(0);
    node_start(n);
    submit(n, "before", "x");
    run_while(n, !n->written, PATIENCE_MS);
    assert_int_equal(n->outcome, REPLICA_DONE);
    settle_tree(n); /* so that the log fails */
    struct rlimit old;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    struct rlimit none = {1, old.rlim_max};
    void (*was)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    n->config.request_timeout_ms = 1000; /* a stop waits for commands that have no answer */
    submit(n, "after", "x");
    run_while(n, !n->broken[0], PATIENCE_MS);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, was);
    assert_non_null(strstr(n->broken, "log.db"));
    assert_false(n->written); /* neither done nor refused: the process ends now */
    n->broken[0] = '\0';
    submit(n, "later", "x");
    assert_int_equal(n->outcome, REPLICA_STOPPING);
    node_free(n);
}

static uint64_t ticks(const struct node *n)
{
    return n->replica->paxos ? n->replica->paxos->ticks : 0;
}

static void stand_still(struct node *n)
{
    usleep(3 * HEARTBEAT_MS * 1000);
    uv_run(&n->loop, UV_RUN_NOWAIT);
}

/* What they said meanwhile has not been read yet. A loop that is never in time still has a pulse.
 */
static void after_a_standstill_the_others_are_heard_first(void **state)
{
    struct node *n = node_new(0);
    node_start(n);
    run_while(n, ticks(n) < 3, PATIENCE_MS);
    uint64_t before = ticks(n);
    stand_still(n);
    assert_int_equal(ticks(n), before);
    run_while(n, ticks(n) == before, PATIENCE_MS);
    before = ticks(n);
    for (int i = 0; i < 10; i++)
        stand_still(n);
    assert_in_range(ticks(n), before + 4, before + 6);
    node_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_of_others_answer_nobody),
        cmocka_unit_test(a_command_of_an_earlier_life_is_another_command),
        cmocka_unit_test(undecided_entries_are_not_applied),
        cmocka_unit_test(observers_are_told_before_the_answer),
        cmocka_unit_test(a_failed_write_ends_the_node),
        cmocka_unit_test(after_a_standstill_the_others_are_heard_first),
    };
    lws_set_log_level(LLL_ERR, NULL);
    return cmocka_run_group_tests_name("replica", tests, NULL, NULL);
}
