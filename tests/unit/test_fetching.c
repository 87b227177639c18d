/* A snapshot on its way from one node to another, over a link that the test holds in its hands. */
#include "replica_parts.h"

#include "command/level.h"
#include "store/log.h"

#include <stdlib.h>
#include <string.h>

enum { SERVER = 1, FETCHER = 2, FILES = 60, ENOUGH_ROUNDS = 1000 };

/* Messages that were sent and have not arrived. */
struct letter {
    struct frame frame;
    struct buffer data;
};

enum { LETTERS_MAX = 4 * SNAPSHOT_WINDOW };

struct both {
    uv_loop_t loop;
    struct parts *server, *fetcher;
    struct letter letters[LETTERS_MAX];
    size_t count;
    uint64_t pieces;                  /* that were sent */
    uint64_t ticket, durable, logged; /* of the server's log */
    uint32_t format;                  /* of the last snapshot that was begun */
};

static struct both *both;

void peer_send(struct peer *peer, const struct frame *frame)
{
    assert_true(both->count < LETTERS_MAX);
    struct letter *letter = &both->letters[both->count++];
    *letter = (struct letter){.frame = *frame};
    letter->frame.from = frame->to == SERVER ? FETCHER : SERVER;
    buffer_append(&letter->data, frame->data.data, frame->data.len);
    letter->frame.data = bytes_of(letter->data.data, letter->data.len);
    both->pieces += frame->type == FRAME_SNAPSHOT_PIECE;
    if (frame->type == FRAME_SNAPSHOT_PIECE && frame->piece == 0) {
        struct reader header = reader_of(frame->data);
        reader_u8(&header);
        both->format = reader_u32(&header);
    }
}

bool peer_is_encrypted(const struct peer *peer, uint32_t pid)
{
    return true;
}

bool peer_linked(const struct peer *peer, uint32_t pid)
{
    return true;
}

/* Of a member: not asked here. */
int peer_identify(struct peer *peer, const struct peer_identity *identity, struct fault *fault)
{
    return 0;
}

void peer_set_level(struct peer *peer, uint32_t level)
{
}

bool peer_speaks(const struct peer *peer, uint32_t pid, struct peer_levels *levels)
{
    return false;
}

static void settle(void)
{
    while (serving_busy(&both->server->r) || fetching_busy(&both->fetcher->r))
        uv_run(&both->loop, UV_RUN_ONCE);
}

/* All messages under way arrive, or are lost; the answers are under way then. */
static void round_trip(bool lost)
{
    struct letter letters[LETTERS_MAX];
    size_t count = both->count;
    memcpy(letters, both->letters, sizeof letters);
    both->count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct frame *frame = &letters[i].frame;
        if (!lost && frame->type == FRAME_SNAPSHOT_REQUEST)
            serving_request(&both->server->r, frame);
        else if (!lost)
            fetching_piece(&both->fetcher->r, frame);
        buffer_free(&letters[i].data);
    }
    settle();
}

static void lose(size_t letter)
{
    assert_true(letter < both->count);
    buffer_free(&both->letters[letter].data);
    both->count--;
    for (size_t i = letter; i < both->count; i++)
        both->letters[i] = both->letters[i + 1];
}

/* Time passes at the fetcher. */
static void wait_ms(uint64_t ms)
{
    both->fetcher->r.fetching.waits_since_ms -= ms;
    fetching_housekeeping(&both->fetcher->r, replica_now_ms());
}

static void fill(struct parts *p)
{
    char *value = calloc(1, SNAPSHOT_PIECE_BYTES);
    memset(value, 'v', SNAPSHOT_PIECE_BYTES - 1);
    for (int i = 0; i < FILES; i++) {
        char key[16];
        snprintf(key, sizeof key, "key/%d", i);
        fixture_must(&p->store, make_put(key, value));
    }
    free(value);
}

static int begin(void **state)
{
    both = calloc(1, sizeof *both);
    uv_loop_init(&both->loop);
    both->server = parts_new();
    both->fetcher = parts_new();
    serving_begin(&both->server->r);
    both->server->r.loop = both->fetcher->r.loop = &both->loop;
    fill(both->server);
    struct replica *fetcher = &both->fetcher->r;
    fetcher->status.peer_count = 1;
    fetcher->status.peers[0].pid = SERVER;
    fetcher->turn.snapshot_needed = tree_applied(both->server->store.tree);
    fetching_housekeeping(fetcher, replica_now_ms());
    return 0;
}

static void on_closed(void *arg)
{
    both->server->r.log = NULL;
}

static void close_log(void)
{
    log_close(both->server->r.log, on_closed, NULL);
    while (both->server->r.log)
        uv_run(&both->loop, UV_RUN_ONCE);
}

static int end(void **state)
{
    serving_stop(&both->server->r);
    if (both->server->r.log)
        close_log();
    fetching_stop(&both->fetcher->r);
    for (size_t i = 0; i < both->count; i++)
        buffer_free(&both->letters[i].data);
    parts_free(both->server);
    parts_free(both->fetcher);
    assert_int_equal(uv_loop_close(&both->loop), 0);
    free(both);
    return 0;
}

static int rounds_until_installed(void)
{
    int rounds = 0;
    while (both->fetcher->r.counts.snapshots_received == 0) {
        assert_true(++rounds < ENOUGH_ROUNDS);
        assert_true(both->count > 0);
        round_trip(false);
    }
    assert_int_equal(fixture_digest(&both->server->store), fixture_digest(&both->fetcher->store));
    return rounds;
}

static void a_window_of_pieces_is_on_its_way(void **state)
{
    int rounds = rounds_until_installed();
    assert_true(both->pieces > FILES);
    assert_true((uint64_t)rounds <= 2 * (both->pieces / SNAPSHOT_WINDOW + 2));
}

static void fetched_at_level(uint32_t level, uint32_t format)
{
    both->fetcher->r.counts.snapshots_received = 0;
    fixture_must(&both->server->store, (struct op){.type = OP_LEVEL, .size = level});
    both->fetcher->r.turn.snapshot_needed = tree_applied(both->server->store.tree);
    fetching_housekeeping(&both->fetcher->r, replica_now_ms());
    rounds_until_installed();
    assert_int_equal(both->format, format);
    assert_int_equal(tree_cluster(both->fetcher->store.tree)->level, level);
}

/* A member of the cluster's level may refuse any newer format. */
static void a_snapshot_is_of_a_format_that_all_read(void **state)
{
    rounds_until_installed();
    assert_int_equal(both->format, RECORD_FORMAT_OLDEST);
    fetched_at_level(2, 4);
    fetched_at_level(LEVEL_LOCKS, 5);
    fetched_at_level(LEVEL_TOKENS, RECORD_FORMAT);
}

/* ---- Entries behind the rows ---- */

static void on_durable(void *arg, uint64_t ticket)
{
    both->durable = ticket;
}

static void on_failed(void *arg, int status, const char *said)
{
    fail_msg("%s", said);
}

static void on_full(void *arg, bool full)
{
}

/* All of it is void but the last entry. */
static void log_entry(struct bytes bytes)
{
    struct paxos_entry **entries = malloc(sizeof *entries);
    entries[0] = paxos_entry_new(bytes.data, (uint32_t)bytes.len);
    struct paxos_write write = {.ticket = ++both->ticket,
                                .decided = both->logged,
                                .compacted = both->logged,
                                .first = both->logged,
                                .entry_count = 1,
                                .entries = entries,
                                .membership =
                                    paxos_membership_of((uint32_t[]){1, 2}, 2, PAXOS_MEMBER)};
    both->logged++;
    assert_int_equal(log_write(both->server->r.log, &write), 0);
    while (both->durable < both->ticket)
        uv_run(&both->loop, UV_RUN_ONCE);
}

/* Gives the server a log, whose entries so far do not matter, and the cluster a level. */
static void open_log(uint64_t level)
{
    struct replica *r = &both->server->r;
    const struct log_callbacks callbacks = {on_durable, on_failed, on_full, NULL};
    const struct paxos_membership members =
        paxos_membership_of((uint32_t[]){1, 2}, 2, PAXOS_MEMBER);
    const struct identity identity = {.cluster = 1, .node = SERVER};
    struct paxos_stored stored;
    struct fault fault;
    if (log_open(r->folder, &identity, &members, 0, 0, &r->log, &stored, &fault) < 0)
        fail_msg("%s", fault.text);
    log_stored_clear(&stored);
    assert_int_equal(log_start(r->log, &both->loop, &callbacks), 0);
    fixture_must(&both->server->store, (struct op){.type = OP_LEVEL, .size = level});
    while (both->logged < tree_applied(r->tree))
        log_entry(text("-"));
}

/* The server applies something, which its log has. */
static void go_on(int number)
{
    char key[16];
    snprintf(key, sizeof key, "new/%d", number);
    struct op op = make_put(key, "value");
    struct buffer entry = fixture_entry(&both->server->store, &op, 1);
    bool repeated;
    log_entry(bytes_of(entry.data, entry.len));
    struct command_result result =
        fixture_apply(&both->server->store, bytes_of(entry.data, entry.len), &repeated);
    command_result_free(&result);
    buffer_free(&entry);
}

static void what_is_applied_meanwhile_follows(void **state)
{
    open_log(LEVEL_TAIL);
    int rounds = 0;
    while (both->fetcher->r.counts.snapshots_received == 0) {
        assert_true(++rounds < ENOUGH_ROUNDS);
        if (rounds < 6)
            go_on(rounds);
        round_trip(rounds == 3);
        if (both->count == 0)
            wait_ms(SNAPSHOT_PATIENCE_MS + 1);
    }
    assert_int_equal(tree_applied(both->fetcher->store.tree),
                     tree_applied(both->server->store.tree));
    assert_int_equal(fixture_digest(&both->server->store), fixture_digest(&both->fetcher->store));
}

/* Members of level 2 do not read entries. */
static void nothing_follows_below_the_level(void **state)
{
    open_log(LEVEL_TAIL - 1);
    round_trip(false);
    uint64_t index = both->server->r.serving[0].index;
    go_on(1);
    int rounds = 0;
    while (both->fetcher->r.counts.snapshots_received == 0) {
        assert_true(++rounds < ENOUGH_ROUNDS);
        round_trip(false);
    }
    assert_int_equal(tree_applied(both->fetcher->store.tree), index);
}

/* A snapshot took the place of the server's tree: what its log has from before may be wrong. */
static void entries_of_a_former_tree_are_not_sent(void **state)
{
    open_log(LEVEL_TAIL);
    struct snapshot_serving *s = &both->server->r.serving[0];
    round_trip(false);
    assert_int_equal(s->pid, FETCHER);
    both->server->r.counts.snapshots_received++;
    for (int rounds = 0; s->pid != 0 && rounds < ENOUGH_ROUNDS; rounds++) {
        assert_false(s->whole);
        round_trip(false);
    }
    assert_int_equal(s->pid, 0);
    assert_int_equal(both->fetcher->r.counts.snapshots_received, 0);
}

/* Keeping the log for others is not worth a full disk. */
static void a_full_disk_keeps_no_log(void **state)
{
    open_log(LEVEL_TAIL);
    struct snapshot_serving *s = &both->server->r.serving[0];
    round_trip(false);
    serving_housekeeping(&both->server->r, replica_now_ms());
    assert_int_equal(s->pid, FETCHER);
    both->server->r.rooms.own.room = ROOM_LOW;
    serving_housekeeping(&both->server->r, replica_now_ms());
    assert_int_equal(s->pid, 0);
}

static void lost_pieces_are_sent_again(void **state)
{
    round_trip(false);
    assert_int_equal(both->count, SNAPSHOT_WINDOW);
    round_trip(true);
    assert_int_equal(both->count, 0);
    wait_ms(SNAPSHOT_PATIENCE_MS / 2);
    assert_int_equal(both->count, 0);
    wait_ms(SNAPSHOT_PATIENCE_MS);
    assert_int_equal(both->count, 1);
    round_trip(true); /* nor does this question come */
    wait_ms(2 * SNAPSHOT_PATIENCE_MS + 1);
    rounds_until_installed();
    assert_int_equal(both->server->r.counts.snapshots_sent, 1);
}

static void after_a_lost_piece_none_is_taken(void **state)
{
    round_trip(false);
    lose(3);
    round_trip(false);
    assert_int_equal(both->fetcher->r.fetching.written, 3);
    while (both->count > 0)
        round_trip(false);
    wait_ms(SNAPSHOT_PATIENCE_MS + 1);
    rounds_until_installed();
    assert_int_equal(both->server->r.counts.snapshots_sent, 1);
}

/* The pieces of the window come once, those that are sent again are passed over. */
static void a_question_that_was_asked_too_early_does_no_harm(void **state)
{
    round_trip(false);
    wait_ms(SNAPSHOT_PATIENCE_MS + 1);
    rounds_until_installed();
    assert_int_equal(both->server->r.counts.snapshots_sent, 1);
}

static void a_silent_server_is_given_up(void **state)
{
    uint64_t id = both->fetcher->r.fetching.id;
    uint64_t patience_ms = SNAPSHOT_PATIENCE_MS + 1;
    for (int i = 0; i <= SNAPSHOT_REPEATS_MAX; i++, patience_ms *= 2) {
        assert_int_equal(both->fetcher->r.fetching.pid, SERVER);
        round_trip(true);
        wait_ms(patience_ms);
    }
    assert_int_equal(both->fetcher->r.fetching.pid, 0);
    wait_ms(0);
    assert_true(both->fetcher->r.fetching.id > id);
    rounds_until_installed();
}

/* The open view of the tree keeps its WAL from being used again. */
static void nothing_is_kept_of_what_was_fetched(void **state)
{
    struct snapshot_serving *s = &both->server->r.serving[0];
    while (!s->whole)
        round_trip(false);
    assert_null(s->reader);
    rounds_until_installed();
    round_trip(false);
    assert_int_equal(s->pid, 0);
}

static void the_tree_changes_while_it_is_fetched(void **state)
{
    uint64_t applied = tree_applied(both->server->store.tree);
    round_trip(false);
    fixture_must(&both->server->store, make_put("key/0", "changed"));
    while (both->fetcher->r.counts.snapshots_received == 0)
        round_trip(false);
    assert_int_equal(tree_applied(both->fetcher->store.tree), applied);
    assert_int_equal(fixture_resolve(&both->fetcher->store, "key/0").size,
                     SNAPSHOT_PIECE_BYTES - 1);
}

static void on_replaced(void *arg, uint64_t index)
{
    assert_int_equal(*(uint64_t *)arg, 0); /* told once */
    *(uint64_t *)arg = index;
    assert_int_equal(tree_applied(both->fetcher->store.tree), index);
    assert_int_not_equal(fixture_resolve(&both->fetcher->store, "key/1").ino, 0);
}

static void observers_are_told_of_the_new_tree(void **state)
{
    uint64_t told = 0;
    struct replica_observer observer = {.replaced = on_replaced, .arg = &told};
    replica_observe(&both->fetcher->r, &observer);
    rounds_until_installed();
    assert_int_equal(told, FILES);
    replica_observe_end(&both->fetcher->r, &observer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_snapshot_is_of_a_format_that_all_read, begin, end),
        cmocka_unit_test_setup_teardown(a_window_of_pieces_is_on_its_way, begin, end),
        cmocka_unit_test_setup_teardown(what_is_applied_meanwhile_follows, begin, end),
        cmocka_unit_test_setup_teardown(nothing_follows_below_the_level, begin, end),
        cmocka_unit_test_setup_teardown(entries_of_a_former_tree_are_not_sent, begin, end),
        cmocka_unit_test_setup_teardown(a_full_disk_keeps_no_log, begin, end),
        cmocka_unit_test_setup_teardown(lost_pieces_are_sent_again, begin, end),
        cmocka_unit_test_setup_teardown(after_a_lost_piece_none_is_taken, begin, end),
        cmocka_unit_test_setup_teardown(a_question_that_was_asked_too_early_does_no_harm, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_silent_server_is_given_up, begin, end),
        cmocka_unit_test_setup_teardown(nothing_is_kept_of_what_was_fetched, begin, end),
        cmocka_unit_test_setup_teardown(the_tree_changes_while_it_is_fetched, begin, end),
        cmocka_unit_test_setup_teardown(observers_are_told_of_the_new_tree, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
