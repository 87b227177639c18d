/* The check of peers that connect: headers of any kind, through a libwebsockets made of this
 * file. */
#include "fuzz.h"

#include "peer/greeting.h"
#include "peer/handshake.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { HEADERS_MAX = 8, TEXT_BYTES_MAX = 2048 };

/* A request: header lines as a dialler writes them. */
static struct {
    char text[TEXT_BYTES_MAX + 1];
} request;

/* The value behind `name`, up to the line's end; NULL if there is none. */
static const char *value_of(const char *name, int name_len, int *len)
{
    for (const char *line = request.text; line && *line;) {
        const char *end = strchrnul(line, '\r');
        if (end - line >= name_len && memcmp(line, name, (size_t)name_len) == 0) {
            const char *value = line + name_len + strspn(line + name_len, " ");
            value = value < end ? value : end;
            *len = (int)(end - value);
            return value;
        }
        line = *end ? end + 1 + (end[1] == '\n') : NULL;
    }
    return NULL;
}

int lws_hdr_custom_length(struct lws *wsi, const char *name, int name_len)
{
    int len;
    return value_of(name, name_len, &len) ? len : -1;
}

int lws_hdr_custom_copy(struct lws *wsi, char *to, int room, const char *name, int name_len)
{
    int len;
    const char *value = value_of(name, name_len, &len);
    if (!value || len + 1 > room)
        return -1;
    memcpy(to, value, (size_t)len);
    to[len] = 0;
    return len;
}

static void on_greeted(void *arg, const struct peer_greeting *greeting)
{
    assert(greeting->count <= PAXOS_NODES_MAX && greeting->levels.min <= greeting->levels.max);
    for (uint32_t i = 0; i < greeting->count; i++)
        assert(greeting->members[i].pid > 0 && greeting->members[i].addr[0]);
}

static const char *on_admit(void *arg, const struct peer_greeting *greeting)
{
    return greeting->start.token % 2 == 0 ? NULL : "its token is odd";
}

static void on_moved(void *arg, const struct peer_member *member)
{
    assert(member->addr[0] && member->peer_addr[0]);
}

/* The timer is made once: it stays where it is, and stopped. */
static void make_peer(struct peer *peer, uint32_t me, uint32_t other, const char *secret)
{
    uv_timer_t redial = peer->links[0].redial;
    *peer =
        (struct peer){.loop = uv_default_loop(),
                      .me = me,
                      .count = 1,
                      .scope = {0x1234, 1},
                      .standing = PEER_MEMBER,
                      .self = {.addr = "10.0.0.1:80", .peer_addr = "10.0.0.1:81"},
                      .levels = {1, 2},
                      .plain = true,
                      .level = 1,
                      .callbacks = {.greeted = on_greeted, .admit = on_admit, .moved = on_moved}};
    peer->links[0] = (struct link){.peer = peer,
                                   .pid = other,
                                   .name = "127.0.0.1:4001",
                                   .addr = "10.0.0.1:81",
                                   .redial = redial};
    if (!redial.loop)
        uv_timer_init(uv_default_loop(), &peer->links[0].redial);
    int status = address_parse(peer->links[0].addr, &peer->links[0].address);
    assert(status == 0);
    status = handshake_set_secret(peer, secret);
    assert(status == 0);
}

/* A dialler's own headers are accepted, and no others. */
static void write_own(struct peer *dialler, char text[TEXT_BYTES_MAX])
{
    char *at = text;
    int status = greeting_write(&dialler->links[0], &at, TEXT_BYTES_MAX);
    assert(status == 0);
    *at = 0;
}

static bool is_taken(struct peer *peer)
{
    struct guest guest = {.ip = peer->links[0].address.ips[0]};
    struct link *link = NULL;
    const char *why = NULL;
    unsigned status = handshake_check(peer, NULL, &guest, &link, &why);
    assert(status == 0 || status == HTTP_STATUS_FORBIDDEN ||
           status == HTTP_STATUS_SERVICE_UNAVAILABLE);
    assert(status != 0 || link == &peer->links[0]);
    assert(status == 0 || why);
    assert(status != 0 || peer->standing != PEER_NEW);
    uv_timer_stop(&peer->links[0].redial);
    return status == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct peer listener, dialler;
    static char own[TEXT_BYTES_MAX];
    static const char *const secrets[] = {"", "wine", "a longer secret, as long as a sentence"};
    struct source s = source_of(data, size);
    const char *secret = secrets[source_below(&s, 3)];
    make_peer(&listener, 1, 2, secret);
    make_peer(&dialler, 2, 1, secret);
    dialler.start = dialler.links[0].seen = (struct start){source_below(&s, 3), 0x2a};
    dialler.standing = (enum peer_standing)source_below(&s, PEER_FORMER);
    bool new = dialler.standing == PEER_NEW;
    if (source_below(&s, 8) == 0)
        listener.standing = PEER_NEW;
    write_own(&dialler, own);
    /* The dialler's own lines, with some bytes of the input in the place of some of them. */
    uint32_t from = source_below(&s, 600), gone = source_below(&s, 200);
    size_t len = strlen(own);
    from = from < len ? from : (uint32_t)len;
    gone = gone < len - from ? gone : (uint32_t)(len - from);
    struct bytes between = source_bytes(&s, TEXT_BYTES_MAX - len);
    snprintf(request.text, sizeof request.text, "%.*s%.*s%s", (int)from, own, (int)between.len,
             between.data ? (const char *)between.data : "", own + from + gone);
    bool taken = is_taken(&listener);
    if (strcmp(request.text, own) == 0)
        assert(taken == (!new &&listener.standing != PEER_NEW));
    if (taken && secret[0] && strstr(request.text, "\r\nx-quorumfs-secret:"))
        assert(strstr(request.text, listener.secret));
    return 0;
}
