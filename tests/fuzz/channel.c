/* Bytes of a stranger before and within TLS: the channel of a connection gets them in pieces, with
 * no more than a ClientHello that a node sent in front of them, changed somewhere. */
#include "fuzz.h"

#include "tls/channel.h"
#include "tls/session.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TURNS = 30, PIECES_MAX = 8, HELLO_BYTES_MAX = 4096 };

static uv_loop_t loop;
static struct tls *tls;
static struct channels *channels;

/* A ClientHello of a node that knows the secret. */
static size_t hello_of(uint8_t hello[HELLO_BYTES_MAX])
{
    int pair[2];
    int status = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair);
    assert(status == 0);
    struct tls_session *dialler = tls_session_dial(tls, pair[0], 0, "127.0.0.1");
    assert(dialler);
    status = tls_session_handshake(dialler);
    assert(status == -EAGAIN);
    ssize_t len = recv(pair[1], hello, HELLO_BYTES_MAX, 0);
    assert(len > 0);
    tls_session_free(dialler);
    close(pair[0]);
    close(pair[1]);
    return (size_t)len;
}

/* Nobody who has only this gets in. */
static void on_ready(void *arg, int inner, enum tls_who who, const void *about)
{
    assert(!"a stranger got in");
}

static void start(void)
{
    static const struct tls_config config = {
        .secret =
            "quorumfs-secret-000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        .secret_file = "",
        .cert = "",
        .key = "",
        .ca = ""};
    struct fault fault;
    if (tls)
        return;
    signal(SIGPIPE, SIG_IGN);
    uv_loop_init(&loop);
    int status = tls_start(&loop, &config, &tls, &fault);
    assert(status == 0);
    status = channels_start(&loop, tls, &channels);
    assert(status == 0);
}

static void turn(void)
{
    for (int i = 0; i < TURNS; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct sockaddr_in from = {.sin_family = AF_INET};
    struct source s = source_of(data, size);
    uint8_t hello[HELLO_BYTES_MAX];
    int pair[2];
    start();
    int status = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair);
    assert(status == 0);
    channel_accept(channels, pair[0], (const struct sockaddr *)&from, "", 0, on_ready, NULL);
    if (source_u8(&s) & 1) {
        size_t len = hello_of(hello);
        for (uint32_t i = source_below(&s, 4); i > 0; i--)
            hello[source_below(&s, (uint32_t)len)] = source_u8(&s);
        send(pair[1], hello, len, MSG_NOSIGNAL);
        turn();
    }
    for (int i = 0; i < PIECES_MAX; i++) {
        struct bytes piece = source_chunk(&s);
        if (piece.len > 0)
            send(pair[1], piece.data, piece.len, MSG_NOSIGNAL);
        turn();
    }
    close(pair[1]);
    turn();
    assert(channels_count(channels) == 0);
    return 0;
}
