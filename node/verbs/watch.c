/* quorumfs watch PATH [--since REVISION] [--addr HOST:PORT]... [-- COMMAND...]
 *
 * Prints a line for each change, as the files of .quorumfs/watch have it, or runs a command. If its
 * node goes away, it goes on at another one. The node says when all events of a revision have come;
 * until then a watch that is resumed begins before that revision, and what was told is skipped. */
#include "verbs/stream.h"
#include "verbs/verb.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WATCH_FAILED = 1 }; /* exit status */
enum { PAUSE_MS_MIN = 50, PAUSE_MS_MAX = 1000, EXIT_NO_COMMAND = 127 };

struct watch {
    struct verb_cluster cluster;
    struct buffer key;  /* watched, with everything below it; empty: all */
    struct buffer path; /* of the request, up to `since` */
    char **command;     /* NULL: lines are printed */
    bool begun;         /* `since` is known */
    uint64_t since;     /* the last revision of which everything has come */
    uint32_t told;      /* so many events of the next one have come, */
    uint32_t skip;      /* and are not to be told again */
    int exit_status;    /* not 0: it is over */
    /* Of the event that is being read: */
    bool more;
    uint64_t id;
    char event[32];
};

/* ---- What is told ---- */

static void print_path(struct bytes path)
{
    if (path.len == 0)
        putchar('.');
    for (size_t i = 0; i < path.len; i++) {
        uint8_t c = path.data[i];
        if (c <= ' ' || c == '\\' || c == 127)
            printf("\\%03o", c);
        else
            putchar(c);
    }
}

static void run_command(struct watch *w, struct bytes path)
{
    char revision[24], key[4096 + 1];
    int status;
    snprintf(revision, sizeof revision, "%" PRIu64, w->id);
    snprintf(key, sizeof key, "%.*s", (int)path.len, (const char *)path.data);
    pid_t child = fork();
    if (child == 0) {
        setenv("QUORUMFS_REVISION", revision, 1);
        setenv("QUORUMFS_EVENT", w->event, 1);
        setenv("QUORUMFS_KEY", key, 1);
        execvp(w->command[0], w->command);
        fprintf(stderr, "quorumfs watch: %s: %s\n", w->command[0], strerror(errno));
        _exit(EXIT_NO_COMMAND);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (child < 0)
        w->exit_status = WATCH_FAILED;
    else if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NO_COMMAND)
        w->exit_status = EXIT_NO_COMMAND;
}

static void tell(struct watch *w, struct bytes path)
{
    if (w->command) {
        run_command(w, path);
        return;
    }
    printf("%" PRIu64 " %s ", w->id, w->event);
    if (strcmp(w->event, "lost") == 0)
        printf("%" PRIu64, w->id);
    else
        print_path(path);
    putchar('\n');
    if (fflush(stdout) != 0)
        w->exit_status = WATCH_FAILED;
}

/* ---- What comes ---- */

static bool is_below(struct bytes path, struct bytes dir)
{
    return dir.len == 0 || (path.len >= dir.len && memcmp(path.data, dir.data, dir.len) == 0 &&
                            (path.len == dir.len || path.data[dir.len] == '/'));
}

static struct bytes watched(const struct watch *w)
{
    return bytes_of(w->key.data, w->key.len);
}

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

static void base64_decode(const char *text, struct buffer *out)
{
    uint32_t bits = 0;
    int count = 0, digit;
    for (; (digit = base64_digit(*text)) >= 0; text++) {
        bits = bits << 6 | (uint32_t)digit;
        count += 6;
        if (count < 8)
            continue;
        count -= 8;
        buffer_put_u8(out, (uint8_t)(bits >> count));
    }
}

/* The prefix of the request has matched more than this watch is for. */
static void take_event(struct watch *w, const char *data)
{
    struct buffer key = {0};
    cJSON *json = cJSON_Parse(data);
    const cJSON *plain = cJSON_GetObjectItemCaseSensitive(json, "key");
    const cJSON *coded = cJSON_GetObjectItemCaseSensitive(json, "key_base64");
    if (cJSON_IsString(plain))
        buffer_append(&key, plain->valuestring, strlen(plain->valuestring));
    else if (cJSON_IsString(coded))
        base64_decode(coded->valuestring, &key);
    cJSON_Delete(json);
    struct bytes path = bytes_of(key.data, key.len);
    bool ours =
        strcmp(w->event, "lost") == 0 || is_below(path, watched(w)) || is_below(watched(w), path);
    bool again = w->skip > 0;
    w->skip -= again;
    if (ours && !again)
        tell(w, path);
    buffer_free(&key);
    if (!again)
        w->told++;
    if (!w->more) {
        w->since = w->id;
        w->told = w->skip = 0;
    }
}

/* Comments say up to where everything has come. */
static void take_comment(struct watch *w, const char *text)
{
    uint64_t revision;
    if (sscanf(text, " after revision %" SCNu64, &revision) == 1 && !w->begun) {
        w->begun = true;
        w->since = revision;
    } else if (sscanf(text, " at revision %" SCNu64, &revision) == 1 && w->told == 0 &&
               revision > w->since) {
        w->since = revision;
    }
}

static void take_line(struct watch *w, const char *line)
{
    if (*line == ':') {
        take_comment(w, line + 1);
    } else if (strncmp(line, "id: ", 4) == 0) {
        w->more = line[4] == '+';
        w->id = strtoull(line + 4 + w->more, NULL, 10);
    } else if (strncmp(line, "event: ", 7) == 0) {
        snprintf(w->event, sizeof w->event, "%s", line + 7);
    } else if (strncmp(line, "data: ", 6) == 0) {
        take_event(w, line + 6);
    }
}

/* ---- Connections ---- */

/* Changes up to a revision are not known any more. */
static void take_too_old(struct watch *w, struct verb_stream *answer)
{
    cJSON *json = verb_next_line(answer) ? cJSON_Parse(answer->line) : NULL;
    const cJSON *single = cJSON_GetObjectItemCaseSensitive(json, "Single");
    const cJSON *lost = cJSON_GetObjectItemCaseSensitive(single, "lost");
    if (cJSON_IsNumber(lost) && (uint64_t)lost->valuedouble > w->since) {
        w->id = w->since = (uint64_t)lost->valuedouble;
        w->told = 0;
        strcpy(w->event, "lost");
        tell(w, (struct bytes){0});
    } else {
        w->exit_status = WATCH_FAILED;
    }
    cJSON_Delete(json);
}

static int watch_connect(struct watch *w, struct verb_stream *answer, struct fault *fault)
{
    struct buffer path = {0};
    buffer_append(&path, w->path.data, w->path.len);
    if (w->begun)
        buffer_printf(&path, "&since=%" PRIu64, w->since);
    buffer_put_u8(&path, 0);
    int status = path.failed ? fault_set(fault, -ENOMEM, "out of memory")
                             : verb_get(&w->cluster, (const char *)path.data, answer, fault);
    buffer_free(&path);
    w->skip = w->told;
    return status;
}

/* Asks one node. Returns whether anything has come. */
static bool watch_once(struct watch *w, struct fault *fault)
{
    struct verb_stream answer;
    if (watch_connect(w, &answer, fault) < 0)
        return false;
    bool came = answer.status == 200 || answer.status == 410;
    if (answer.status == 410)
        take_too_old(w, &answer);
    while (w->exit_status == 0 && answer.status == 200 && verb_next_line(&answer))
        take_line(w, answer.line);
    if (!came) {
        bool line = verb_next_line(&answer);
        fault_set(fault, -EIO, "%s: HTTP %d: %s", w->cluster.addr[w->cluster.at], answer.status,
                  line ? answer.line : "");
        if (answer.status < 500)
            w->exit_status = WATCH_FAILED; /* no other node would say anything else */
    }
    verb_close(&answer);
    return came;
}

static int watch_run(struct watch *w)
{
    struct fault fault = {""};
    uint64_t pause_ms = PAUSE_MS_MIN;
    bool said = false;
    while (w->exit_status == 0) {
        bool came = watch_once(w, &fault);
        if (came)
            said = false;
        else if (!said || w->exit_status != 0)
            fprintf(stderr, "quorumfs watch: %s\n", fault.text);
        said |= !came;
        pause_ms = came ? PAUSE_MS_MIN : pause_ms < PAUSE_MS_MAX / 2 ? 2 * pause_ms : PAUSE_MS_MAX;
        verb_next_node(&w->cluster);
        struct timespec pause = {.tv_nsec = (long)(pause_ms * 1000000 % 1000000000),
                                 .tv_sec = (time_t)(pause_ms / 1000)};
        if (w->exit_status == 0)
            nanosleep(&pause, NULL);
    }
    return w->exit_status;
}

/* ---- The command line ---- */

static const char usage[] =
    "quorumfs watch PATH [--since REVISION] [--addr HOST:PORT]... [-- COMMAND...]\n"
    "\n"
    "Prints a line for each change of PATH and everything below it, at whichever node it is made:\n"
    "REVISION VERB KEY, with octal escapes as in /proc/mounts. With a COMMAND, runs that for each\n"
    "change instead, with QUORUMFS_REVISION, QUORUMFS_EVENT and QUORUMFS_KEY in its environment.\n"
    "Goes on at another node if its node goes away; `lost` says that something is missing.\n"
    "\n"
    "  PATH              in a mount; with --addr, a key (. is everything)\n"
    "  --since REVISION  begin with the changes after this revision, instead of now\n"
    "  --addr HOST:PORT  a node; several are tried in turn\n";

static void put_encoded(struct buffer *out, struct bytes bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        buffer_printf(out, "%%%02X", bytes.data[i]);
}

static int take_option(struct watch *w, int option)
{
    char *end = NULL;
    if (option == 'a')
        return verb_add_addr(&w->cluster, optarg) == 0 ? 0 : VERB_USAGE;
    if (option != 's')
        return VERB_USAGE;
    w->begun = true;
    w->since = strtoull(optarg, &end, 10);
    return *optarg >= '0' && *optarg <= '9' && *end == 0 ? 0 : VERB_USAGE;
}

static int watch_begin(struct watch *w, const char *path)
{
    struct fault fault;
    if (w->cluster.count > 0) {
        size_t len = strlen(path);
        while (len > 0 && path[len - 1] == '/')
            len--;
        if (strcmp(path, ".") != 0)
            buffer_append(&w->key, path, len);
    } else if (verb_find(path, &w->cluster, &w->key, &fault) < 0) {
        fprintf(stderr, "quorumfs watch: %s\n", fault.text);
        return WATCH_FAILED;
    }
    buffer_printf(&w->path, "/watch?prefix=");
    put_encoded(&w->path, watched(w));
    return w->path.failed || w->key.failed ? WATCH_FAILED : 0;
}

int verb_watch(int argc, char **argv)
{
    static const struct option options[] = {{"since", required_argument, NULL, 's'},
                                            {"addr", required_argument, NULL, 'a'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct watch w = {0};
    const char *path = NULL;
    int option, status = 0;
    /* Options end at `--`, so that the command keeps its own. */
    while (status == 0 && (option = getopt_long(argc, argv, "-h", options, NULL)) >= 0) {
        if (option == 'h')
            return fputs(usage, stdout) < 0 ? WATCH_FAILED : 0;
        if (option == 1 && !path)
            path = optarg;
        else
            status = take_option(&w, option);
    }
    w.command = optind < argc ? argv + optind : NULL;
    if (status != 0 || !path) {
        fputs(usage, stderr);
        return VERB_USAGE;
    }
    status = watch_begin(&w, path);
    if (status == 0)
        status = watch_run(&w);
    buffer_free(&w.key);
    buffer_free(&w.path);
    return status;
}
