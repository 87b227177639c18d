#include "base/owner.h"

#include "base/trace.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum {
    ANSWER_BYTES = 4096, /* more than the kernel says about one socket, or about one route */
    STALE_ANSWERS_MAX = 8,
    /* The states of a TCP socket (include/net/tcp_states.h of the kernel). */
    STATE_ESTABLISHED = 1,
    STATE_FIN_WAIT1 = 4,
    STATE_FIN_WAIT2 = 5,
    STATE_CLOSE_WAIT = 8,
    STATE_LAST_ACK = 9,
    STATE_CLOSING = 11,
};

/* One end of a connection. */
struct end {
    int family;
    uint8_t address[16];
    uint16_t port;  /* in the order of the network, */
    uint32_t scope; /* of an address that is valid on one link only */
};

/* ---- Netlink ---- */

/* A socket of this process that speaks to the kernel only; -1: there is none. */
struct kernel {
    int protocol, fd;
    uint32_t sequence;
};

static bool kernel_open(struct kernel *kernel)
{
    const struct sockaddr_nl address = {.nl_family = AF_NETLINK};
    if (kernel->fd >= 0)
        return true;
    kernel->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, kernel->protocol);
    /* Connected, it takes nothing from other processes. */
    if (kernel->fd >= 0 &&
        connect(kernel->fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        close(kernel->fd);
        kernel->fd = -1;
    }
    return kernel->fd >= 0;
}

/* Sends a request and takes its answer, which is there when send(2) returns. Returns the answer's
 * length, 0: the kernel says that there is none, or -1. The answer begins with its header. */
static ssize_t kernel_ask(struct kernel *kernel, struct nlmsghdr *request, void *answer)
{
    struct nlmsghdr *head = answer;
    if (!kernel_open(kernel))
        return -1;
    request->nlmsg_flags = NLM_F_REQUEST;
    request->nlmsg_seq = ++kernel->sequence;
    if (send(kernel->fd, request, request->nlmsg_len, MSG_DONTWAIT) < 0)
        return -1;
    for (int i = 0; i < STALE_ANSWERS_MAX; i++) {
        ssize_t len = recv(kernel->fd, answer, ANSWER_BYTES, MSG_DONTWAIT);
        if (len < (ssize_t)sizeof *head || !NLMSG_OK(head, (size_t)len))
            return -1;
        if (head->nlmsg_seq == kernel->sequence)
            return head->nlmsg_type == NLMSG_ERROR ? 0 : (ssize_t)head->nlmsg_len;
    }
    return -1;
}

/* ---- Which machine ---- */

static bool end_is_loopback(const struct end *end)
{
    if (end->family == AF_INET)
        return end->address[0] == 127;
    return IN6_IS_ADDR_LOOPBACK((const struct in6_addr *)(const void *)end->address);
}

static size_t end_bytes(const struct end *end)
{
    return end->family == AF_INET ? 4 : 16;
}

/* Whether the address is one of this machine's own. If the kernel does not say so, it is taken for
 * one: then the caller is nobody, and not the user of other machines. */
static bool end_is_here(const struct end *end)
{
    static struct kernel routes = {.protocol = NETLINK_ROUTE, .fd = -1};
    struct {
        struct nlmsghdr head;
        struct rtmsg route;
        struct rtattr attribute;
        uint8_t address[16];
    } request = {.head = {.nlmsg_type = RTM_GETROUTE}};
    union {
        struct nlmsghdr head;
        uint8_t bytes[ANSWER_BYTES];
    } answer;
    size_t len = end_bytes(end);
    if (end_is_loopback(end))
        return true;
    request.route.rtm_family = (uint8_t)end->family;
    request.route.rtm_dst_len = (uint8_t)(8 * len);
    request.attribute = (struct rtattr){.rta_len = (uint16_t)RTA_LENGTH(len), .rta_type = RTA_DST};
    memcpy(request.address, end->address, len);
    request.head.nlmsg_len = (uint32_t)(NLMSG_LENGTH(sizeof request.route) + RTA_SPACE(len));
    ssize_t got = kernel_ask(&routes, &request.head, &answer);
    if (got == 0)
        return false; /* there is no way to it, so it is not here */
    if (got < (ssize_t)NLMSG_LENGTH(sizeof(struct rtmsg)))
        return true;
    const struct rtmsg *route = NLMSG_DATA(&answer.head);
    return route->rtm_type == RTN_LOCAL;
}

/* ---- Whose socket ---- */

/* Looks one socket up: that whose own end is `from`, connected to `to`. False: there is none. */
static bool find_socket(const struct end *from, const struct end *to, struct inet_diag_msg *found)
{
    static struct kernel sockets = {.protocol = NETLINK_SOCK_DIAG, .fd = -1};
    struct {
        struct nlmsghdr head;
        struct inet_diag_req_v2 question;
    } request = {.head = {.nlmsg_len = sizeof request, .nlmsg_type = SOCK_DIAG_BY_FAMILY},
                 .question = {.sdiag_family = (uint8_t)from->family,
                              .sdiag_protocol = IPPROTO_TCP,
                              .idiag_states = UINT32_MAX,
                              .id = {.idiag_sport = from->port,
                                     .idiag_dport = to->port,
                                     .idiag_if = from->scope,
                                     .idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}}};
    union {
        struct nlmsghdr head;
        uint8_t bytes[ANSWER_BYTES];
    } answer;
    size_t len = end_bytes(from);
    memcpy(request.question.id.idiag_src, from->address, len);
    memcpy(request.question.id.idiag_dst, to->address, len);
    ssize_t got = kernel_ask(&sockets, &request.head, &answer);
    if (got < (ssize_t)NLMSG_LENGTH(sizeof *found))
        return false;
    memcpy(found, NLMSG_DATA(&answer.head), sizeof *found);
    return true;
}

/* Whether the kernel can say whose it is. Without a connected socket with these ends it gives one
 * that listens; and of one that is closed, or not complete, the user is always 0. Such sockets
 * have no inode, which is read after the user. */
static bool has_user(const struct inet_diag_msg *found, const struct end *from,
                     const struct end *to)
{
    const uint32_t states = 1u << STATE_ESTABLISHED | 1u << STATE_FIN_WAIT1 |
                            1u << STATE_FIN_WAIT2 | 1u << STATE_CLOSE_WAIT | 1u << STATE_LAST_ACK |
                            1u << STATE_CLOSING;
    return found->idiag_inode != 0 && found->idiag_state < 32 &&
           (states >> found->idiag_state & 1) && found->id.idiag_sport == from->port &&
           found->id.idiag_dport == to->port;
}

/* Whether the connection is still this one: as long as it is, no other one can have its ends. */
static bool is_connected(int fd)
{
    struct tcp_info info;
    socklen_t len = sizeof info;
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
           (info.tcpi_state == STATE_ESTABLISHED || info.tcpi_state == STATE_CLOSE_WAIT);
}

/* The kernel does not tell at all: it is not asked again, since each time it would look for a
 * module that can. */
static bool is_blind;

/* This end must be found in any case. */
static void look_if_blind(const struct end *from, const struct end *to)
{
    struct inet_diag_msg found;
    if (find_socket(to, from, &found))
        return;
    is_blind = true;
    trace_warn("http", "the kernel does not tell who connects by TCP (is tcp_diag missing?): "
                       "users of this machine are nobody there, and themselves at the socket in "
                       "the node's folder");
}

/* ---- The ends ---- */

/* IPv4 in IPv6 form is IPv4. */
static bool end_of(const struct sockaddr_storage *address, struct end *end)
{
    memset(end, 0, sizeof *end);
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
        end->port = in->sin_port;
        memcpy(end->address, &in->sin_addr, 4);
    } else if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)(const void *)address;
        bool is_v4 = IN6_IS_ADDR_V4MAPPED(&in->sin6_addr);
        end->port = in->sin6_port;
        end->scope = is_v4 ? 0 : in->sin6_scope_id;
        memcpy(end->address, in->sin6_addr.s6_addr + (is_v4 ? 12 : 0), is_v4 ? 4 : 16);
        end->family = is_v4 ? AF_INET : AF_INET6;
        return true;
    }
    end->family = address->ss_family;
    return address->ss_family == AF_INET;
}

static void find_by_tcp(int fd, const struct sockaddr_storage *address, struct owner *owner)
{
    struct sockaddr_storage own;
    struct end from, to;
    struct inet_diag_msg found;
    socklen_t len = sizeof own;
    if (getsockname(fd, (struct sockaddr *)&own, &len) < 0 || !end_of(address, &from) ||
        !end_of(&own, &to) || from.family != to.family)
        return;
    if (!end_is_here(&from)) {
        owner->kind = OWNER_ELSEWHERE;
        return;
    }
    bool there = !is_blind && find_socket(&from, &to, &found);
    if (!is_connected(fd))
        return;
    if (there && has_user(&found, &from, &to)) {
        owner->kind = OWNER_USER;
        owner->uid = found.idiag_uid;
    } else if (!there && !is_blind) {
        look_if_blind(&from, &to);
    }
}

static void find_by_socket(int fd, struct owner *owner)
{
    struct ucred process;
    socklen_t len = sizeof process;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &process, &len) < 0 || process.uid == UINT32_MAX)
        return;
    len = sizeof owner->groups;
    int status = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, owner->groups, &len);
    if (status < 0 && errno != ERANGE)
        return;
    owner->kind = status < 0 ? OWNER_CROWDED : OWNER_PROCESS;
    owner->uid = process.uid;
    owner->gid = process.gid;
    owner->group_count = status < 0 ? 0 : (uint32_t)(len / sizeof *owner->groups);
}

void owner_find(int fd, struct owner *owner)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof address;
    owner->kind = OWNER_UNKNOWN;
    owner->uid = owner->gid = OWNER_NOBODY;
    owner->group_count = 0;
    if (getpeername(fd, (struct sockaddr *)&address, &len) < 0)
        return;
    if (address.ss_family == AF_UNIX)
        find_by_socket(fd, owner);
    else
        find_by_tcp(fd, &address, owner);
}
