/* Encrypted connections: both ends in this process, over sockets of the loopback. */
#include "tls/channel.h"
#include "tls/session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { TURNS_MAX = 200000, MUCH = 3 * 1024 * 1024 };

static uv_loop_t loop;
static struct tls *tls[2]; /* of the node that is dialled, and of the one that dials */
static struct channels *channels;
static int ends[2]; /* of the connection: accepted and dialled */
static struct tls_session *dialler;
static int inner; /* what the room got; -1: nothing */
static enum tls_who who;

static struct tls *tls_of(const char *secret, const char *file)
{
    struct tls_config config = {
        .secret = secret, .secret_file = file, .cert = "", .key = "", .ca = ""};
    struct tls *made;
    struct fault fault;
    if (tls_start(&loop, &config, &made, &fault) < 0)
        fail_msg("%s", fault.text);
    return made;
}

static void on_ready(void *arg, int fd, enum tls_who is, const void *about)
{
    assert_memory_equal(about, "about", 6);
    inner = fd;
    who = is;
}

static void connect_ends(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    ends[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(ends[1], (struct sockaddr *)&address, len), 0);
    int on = 1;
    ioctl(ends[1], FIONBIO, &on);
    ends[0] = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    assert_true(ends[0] >= 0);
    close(listener);
}

static void begin(const char *accepts, const char *dials)
{
    const struct sockaddr_in from = {.sin_family = AF_INET};
    tls[0] = tls_of(accepts, "");
    tls[1] = tls_of(dials, "");
    inner = -1;
    connect_ends();
    assert_int_equal(channels_start(&loop, tls[0], &channels), 0);
    channel_accept(channels, ends[0], (const struct sockaddr *)&from, "about", 6, on_ready, NULL);
}

static void end(void)
{
    if (dialler)
        tls_session_free(dialler);
    dialler = NULL;
    close(ends[1]);
    if (inner >= 0)
        close(inner);
    channels_free(channels);
    tls_stop(tls[0]);
    tls_stop(tls[1]);
    uv_run(&loop, UV_RUN_DEFAULT);
}

static int set_up(void **state)
{
    return uv_loop_init(&loop);
}

/* Everything is given back: no handle is left. */
static int tear_down(void **state)
{
    return uv_loop_close(&loop);
}

/* One end of the handshake after the other. Returns how it ended for the dialler. */
static int shake(uint32_t way)
{
    int status = -EAGAIN;
    dialler = tls_session_dial(tls[1], ends[1], way, "127.0.0.1");
    assert_non_null(dialler);
    for (int turn = 0; status == -EAGAIN && turn < TURNS_MAX; turn++) {
        status = tls_session_handshake(dialler);
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    for (int turn = 0; status == 0 && inner < 0 && turn < TURNS_MAX; turn++)
        uv_run(&loop, UV_RUN_NOWAIT);
    return status;
}

static void a_node_proves_itself_by_the_secret(void **state)
{
    begin("the secret of all nodes", "the secret of all nodes");
    assert_int_equal(shake(0), 0);
    assert_int_equal(tls_session_who(dialler), TLS_NODE);
    assert_true(inner >= 0);
    assert_int_equal(who, TLS_NODE);
    end();
}

static void another_secret_does_not_help(void **state)
{
    begin("the secret of all nodes", "the secret of others");
    assert_int_equal(shake(0), -EPROTO);
    assert_int_equal(inner, -1);
    assert_string_not_equal(tls_session_why(dialler), "");
    end();
}

static void a_way_that_is_none_is_refused(void **state)
{
    begin("the secret of all nodes", "the secret of all nodes");
    assert_int_equal(shake(1), -EPROTO);
    assert_int_equal(inner, -1);
    end();
}

static void garbage_is_closed(void **state)
{
    char bytes[100];
    begin("the secret of all nodes", "x");
    assert_int_equal(send(ends[1], "\x16\x03\x01\x00\x04hell", 9, 0), 9);
    for (int turn = 0; channels_count(channels) > 0 && turn < TURNS_MAX; turn++)
        uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(channels_count(channels), 0);
    assert_int_equal(inner, -1);
    assert_true(recv(ends[1], bytes, sizeof bytes, MSG_DONTWAIT) >= 0);
    end();
}

static uint8_t byte_at(size_t at)
{
    return (uint8_t)(at * 2654435761u >> 11);
}

/* As much as `budget` in each step, so that each side waits for the other one at times. */
static void much_passes_in_both_directions(void **state)
{
    static uint8_t piece[70000], got[70000];
    size_t sent[2] = {0, 0}, came[2] = {0, 0};
    begin("the secret of all nodes", "the secret of all nodes");
    assert_int_equal(shake(0), 0);
    for (int turn = 0; turn < TURNS_MAX && (came[0] < MUCH || came[1] < MUCH); turn++) {
        for (int side = 0; side < 2; side++) {
            size_t len = MUCH - sent[side] < sizeof piece ? MUCH - sent[side] : sizeof piece;
            for (size_t i = 0; i < len; i++)
                piece[i] = byte_at(sent[side] + i + (size_t)side);
            ssize_t n = 0;
            if (len > 0)
                n = side == 0 ? send(inner, piece, len, MSG_DONTWAIT | MSG_NOSIGNAL)
                              : tls_session_write(dialler, piece, len);
            sent[side] += n > 0 ? (size_t)n : 0;
            if (side == 1 && turn % 3)
                continue; /* reads more slowly than the other side writes */
            n = side == 0 ? recv(inner, got, sizeof got / 7, MSG_DONTWAIT)
                          : tls_session_read(dialler, got, sizeof got);
            for (ssize_t i = 0; i < n; i++)
                assert_int_equal(got[i], byte_at(came[1 - side] + (size_t)i + (size_t)(1 - side)));
            came[1 - side] += n > 0 ? (size_t)n : 0;
        }
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(came[0], MUCH);
    assert_int_equal(came[1], MUCH);
    end();
}

/* What a room does not read is not taken from the other end: the kernel holds a part, and that is
 * all. */
static void a_room_that_reads_nothing_holds_the_other_end_up(void **state)
{
    static const uint8_t piece[65536];
    size_t sent = 0;
    int idle = 0;
    begin("the secret of all nodes", "the secret of all nodes");
    assert_int_equal(shake(0), 0);
    while (idle < 100 && sent < 64u * 1024 * 1024) {
        ssize_t n = tls_session_write(dialler, piece, sizeof piece);
        sent += n > 0 ? (size_t)n : 0;
        idle = n > 0 ? 0 : idle + 1;
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    assert_true(sent < 32u * 1024 * 1024);
    end();
}

static void wait_for_end(int *status, char *text, size_t size)
{
    ssize_t n = -EAGAIN;
    size_t len = 0;
    for (int turn = 0; turn < TURNS_MAX && n != 0; turn++) {
        n = tls_session_read(dialler, text + len, size - len);
        len += n > 0 ? (size_t)n : 0;
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    text[len] = 0;
    *status = (int)n;
}

static void each_end_is_passed_on_by_itself(void **state)
{
    char text[100];
    int status;
    begin("the secret of all nodes", "the secret of all nodes");
    assert_int_equal(shake(0), 0);
    assert_int_equal(tls_session_write(dialler, "question", 8), 8);
    assert_int_equal(tls_session_end(dialler), 0);
    ssize_t n = -1;
    for (int turn = 0; turn < TURNS_MAX && n < 0; turn++) {
        uv_run(&loop, UV_RUN_NOWAIT);
        n = recv(inner, text, sizeof text, MSG_DONTWAIT);
    }
    assert_int_equal(n, 8);
    for (int turn = 0; turn < TURNS_MAX && n != 0; turn++) {
        uv_run(&loop, UV_RUN_NOWAIT);
        n = recv(inner, text, sizeof text, MSG_DONTWAIT);
    }
    assert_int_equal(n, 0);
    assert_int_equal(send(inner, "answer", 6, 0), 6); /* the other direction still stands */
    shutdown(inner, SHUT_WR);
    wait_for_end(&status, text, sizeof text - 1);
    assert_int_equal(status, 0);
    assert_string_equal(text, "answer");
    for (int turn = 0; turn < TURNS_MAX && channels_count(channels) > 0; turn++)
        uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(channels_count(channels), 0);
    end();
}

static void a_crowd_of_handshakes_is_bounded(void **state)
{
    enum { CROWD = CHANNEL_HANDSHAKES_MAX + 10 };
    static int others[CROWD];
    const struct sockaddr_in from = {.sin_family = AF_INET};
    begin("the secret of all nodes", "the secret of all nodes");
    int first = ends[1];
    for (int i = 0; i < CROWD; i++) {
        connect_ends();
        others[i] = ends[1];
        channel_accept(channels, ends[0], (const struct sockaddr *)&from, "about", 6, on_ready,
                       NULL);
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    for (int turn = 0; turn < 10; turn++)
        uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(channels_count(channels), CHANNEL_HANDSHAKES_MAX);
    char byte;
    assert_true(recv(first, &byte, 1, MSG_DONTWAIT) == 0); /* the oldest has gone */
    assert_int_equal(shake(0), 0);                         /* the newest is served */
    for (int i = 0; i < CROWD - 1; i++)
        close(others[i]); /* the last is closed as the present one */
    close(first);
    end();
}

static void codes_are_for_a_pair_and_a_direction(void **state)
{
    uint8_t mac[TLS_MAC_BYTES];
    struct bytes text = bytes_of_text("frame");
    tls[0] = tls_of("the secret of all nodes", "");
    tls[1] = tls_of("the secret of others", "");
    assert_int_equal(tls_mac(tls[0], 0, 1, 2, text, mac), 0);
    assert_true(tls_mac_is_right(tls[0], 1, 2, text, mac));
    assert_false(tls_mac_is_right(tls[0], 2, 1, text, mac));
    assert_false(tls_mac_is_right(tls[0], 1, 3, text, mac));
    assert_false(tls_mac_is_right(tls[0], 1, 2, bytes_of_text("fram"), mac));
    assert_false(tls_mac_is_right(tls[1], 1, 2, text, mac));
    assert_int_equal(tls_mac(tls[0], 1, 1, 2, text, mac), -ENOENT);
    assert_false(tls_mac_is_right(NULL, 1, 2, text, mac));
    tls_stop(tls[0]);
    tls_stop(tls[1]);
    uv_run(&loop, UV_RUN_DEFAULT);
}

static void write_file(const char *path, const char *text)
{
    char beside[64];
    snprintf(beside, sizeof beside, "%s.new", path);
    FILE *file = fopen(beside, "w");
    assert_non_null(file);
    fchmod(fileno(file), 0600);
    fputs(text, file);
    fclose(file);
    assert_int_equal(rename(beside, path), 0);
}

/* The old secret counts as long as it is the second line. */
static void a_secret_is_changed(void **state)
{
    char path[] = "/tmp/test_tls.XXXXXX";
    uint8_t old[TLS_MAC_BYTES];
    struct bytes text = bytes_of_text("frame");
    close(mkstemp(path));
    write_file(path, "# made today\nthe old secret of all\n");
    tls[0] = tls_of("", path);
    assert_int_equal(tls_mac(tls[0], 0, 1, 2, text, old), 0);
    static const struct {
        const char *text;
        uint32_t count;
        bool right;
    } steps[] = {{"the new secret of all\nthe old secret of all\n", 2, true},
                 {"\n", 2, true}, /* no secret: what was there stays */
                 {"the new secret of all\r\n", 1, false}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        write_file(path, steps[i].text);
        tls_reload(tls[0]);
        tls_reload(tls[0]); /* while it reads: once more */
        for (int turn = 0; turn < 200; turn++) {
            uv_run(&loop, UV_RUN_NOWAIT);
            usleep(5000);
        }
        assert_int_equal(tls_secret_count(tls[0]), steps[i].count);
        assert_int_equal(tls_mac_is_right(tls[0], 1, 2, text, old), steps[i].right);
    }
    tls_stop(tls[0]);
    uv_run(&loop, UV_RUN_DEFAULT);
    unlink(path);
}

static void made_secrets_are_known_and_used_as_they_are(void **state)
{
    char made[TLS_SECRET_MAX], other[TLS_SECRET_MAX];
    assert_int_equal(tls_make_secret(made), 0);
    assert_int_equal(tls_make_secret(other), 0);
    assert_string_not_equal(made, other);
    assert_true(tls_secret_is_made(made));
    made[strlen(made) - 1] = 'x';
    assert_false(tls_secret_is_made(made));
    assert_false(tls_secret_is_made("quorumfs-secret-"));
}

#define loop_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        loop_test(a_node_proves_itself_by_the_secret),
        loop_test(another_secret_does_not_help),
        loop_test(a_way_that_is_none_is_refused),
        loop_test(garbage_is_closed),
        loop_test(much_passes_in_both_directions),
        loop_test(a_room_that_reads_nothing_holds_the_other_end_up),
        loop_test(each_end_is_passed_on_by_itself),
        loop_test(a_crowd_of_handshakes_is_bounded),
        loop_test(codes_are_for_a_pair_and_a_direction),
        loop_test(a_secret_is_changed),
        cmocka_unit_test(made_secrets_are_known_and_used_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
