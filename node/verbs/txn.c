/* quorumfs txn: several keys at once. The transaction comes on standard input, as POST /txn takes
 * it, and the node's answer goes to standard output. Exit statuses:
 *   0  `then` ran
 *   1  `else` ran
 *   2  nothing has happened: why is on standard error
 *   3  the outcome is unknown */
#include "verbs/verb.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { TXN_THEN = 0, TXN_ELSE = 1, TXN_REFUSED = VERB_USAGE, TXN_UNKNOWN = 3 };
enum { TXN_BYTES_MAX = 64 << 20, GATEWAY_TIMEOUT = 504 };

static int read_input(struct buffer *in)
{
    char bytes[65536];
    size_t got;
    while (!in->failed && in->len <= TXN_BYTES_MAX && (got = fread(bytes, 1, sizeof bytes, stdin)))
        buffer_append(in, bytes, got);
    if (in->failed)
        return -ENOMEM;
    if (in->len > TXN_BYTES_MAX)
        return -EFBIG;
    return ferror(stdin) ? -EIO : 0;
}

static int print_answer(const struct verb_answer *answer)
{
    static const char then[] = "{\"Transaction\":{\"succeeded\":true";
    const struct buffer *body = &answer->body;
    FILE *to = answer->status == 200 ? stdout : stderr;
    fwrite(body->data, 1, body->len, to);
    fputc('\n', to);
    if (fflush(to) != 0)
        return TXN_UNKNOWN;
    if (answer->status == GATEWAY_TIMEOUT)
        return TXN_UNKNOWN;
    if (answer->status != 200)
        return TXN_REFUSED;
    bool ran = body->len >= sizeof then - 1 && memcmp(body->data, then, sizeof then - 1) == 0;
    return ran ? TXN_THEN : TXN_ELSE;
}

int verb_txn(int argc, char **argv)
{
    struct buffer in = {0};
    struct verb_answer answer = {0};
    struct fault fault = {"cannot read the transaction from standard input"};
    bool named = argc == 3 && strcmp(argv[1], "--node") == 0, sent = false;
    if (argc != 1 && !named)
        return verb_usage(argv[0]);
    int status = read_input(&in);
    if (status == 0)
        status = verb_request(verb_node(named ? argv[2] : NULL), "POST", "/txn",
                              bytes_of(in.data, in.len), &answer, &sent, &fault);
    if (status < 0)
        fprintf(stderr, "quorumfs txn: %s: %s\n", fault.text,
                sent ? "the outcome is unknown" : "nothing has happened");
    int code = status == 0 ? print_answer(&answer) : sent ? TXN_UNKNOWN : TXN_REFUSED;
    buffer_free(&in);
    buffer_free(&answer.body);
    return code;
}
