/* quorumfs token: tokens for HTTP. Each acts as a user.
 *
 *   quorumfs token add NAME --uid UID --gid GID ...   prints the token, which is shown only once
 *   quorumfs token list
 *   quorumfs token remove NAME
 *
 * Only root may do this, at a node's machine. Exit statuses:
 *   0  done
 *   1  refused, or the node cannot be asked: why is on standard error
 *   2  wrong use
 *   3  the outcome is unknown */
#include "verbs/verb.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN_DONE, TOKEN_REFUSED, TOKEN_UNKNOWN = 3 };
enum { HTTP_STATUS_OK = 200, HTTP_STATUS_TIMEOUT = 504 };

struct token_command {
    const char *action, *name, *at;
    cJSON *body; /* of add */
};

/* ---- The command line ---- */

static bool add_number(cJSON *to, const char *name, const char *text)
{
    size_t digits = strspn(text, "0123456789");
    double number = strtod(text, NULL);
    if (digits == 0 || digits > 10 || text[digits])
        return false;
    if (name)
        return cJSON_AddNumberToObject(to, name, number);
    return cJSON_AddItemToArray(to, cJSON_CreateNumber(number));
}

/* Reads the options that only `add` has. */
static bool token_option(struct token_command *command, int option, const char *value)
{
    cJSON *gids = cJSON_GetObjectItem(command->body, "gids");
    switch (option) {
    case 'u':
        return add_number(command->body, "uid", value);
    case 'g':
        return gids && add_number(gids, NULL, value);
    case 'p':
        return cJSON_AddStringToObject(command->body, "path", value);
    case 'r':
        return cJSON_AddTrueToObject(command->body, "read_only");
    case 't':
        return cJSON_AddStringToObject(command->body, "ttl", value);
    default:
        return false;
    }
}

static bool token_arguments(struct token_command *command, int argc, char **argv)
{
    static const struct option options[] = {{"at", required_argument, NULL, 'a'},
                                            {"uid", required_argument, NULL, 'u'},
                                            {"gid", required_argument, NULL, 'g'},
                                            {"path", required_argument, NULL, 'p'},
                                            {"read-only", no_argument, NULL, 'r'},
                                            {"ttl", required_argument, NULL, 't'},
                                            {NULL, 0, NULL, 0}};
    int option;
    bool adds = argc > 1 && strcmp(argv[1], "add") == 0;
    command->action = argc > 1 ? argv[1] : "";
    if (adds)
        cJSON_AddArrayToObject(command->body, "gids");
    while (argc > 1 && (option = getopt_long(argc - 1, argv + 1, "", options, NULL)) >= 0) {
        if (option == 'a')
            command->at = optarg;
        else if (!adds || !token_option(command, option, optarg))
            return false;
    }
    bool lists = strcmp(command->action, "list") == 0;
    int names = argc - 1 - optind;
    command->name = names > 0 ? argv[1 + optind] : NULL;
    if (adds && command->name)
        cJSON_AddStringToObject(command->body, "name", command->name);
    return (adds || lists || strcmp(command->action, "remove") == 0) && names == !lists;
}

/* ---- Answers ---- */

static void print_gids(const cJSON *gids)
{
    const cJSON *gid;
    const char *before = "";
    cJSON_ArrayForEach(gid, gids)
    {
        printf("%s%.0f", before, gid->valuedouble);
        before = ",";
    }
}

static const char *text_of(const cJSON *token, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(token, name));
    return text ? text : "";
}

/* One line: NAME UID:GID,... and what limits it. */
static void print_token(const cJSON *token)
{
    const char *path = text_of(token, "path"), *expires = text_of(token, "expires");
    printf("%s %.0f:", text_of(token, "name"),
           cJSON_GetNumberValue(cJSON_GetObjectItem(token, "uid")));
    print_gids(cJSON_GetObjectItem(token, "gids"));
    if (*path)
        printf(" path=%s", path);
    if (cJSON_IsTrue(cJSON_GetObjectItem(token, "read_only")))
        printf(" read-only");
    if (*expires)
        printf(" expires=%s", expires);
    if (cJSON_IsTrue(cJSON_GetObjectItem(token, "expired")))
        printf(" expired");
    putchar('\n');
}

static int token_print(const struct token_command *command, const cJSON *json, int http)
{
    const cJSON *single = cJSON_GetObjectItem(json, "Single");
    const cJSON *list = cJSON_GetObjectItem(json, "Multiple"), *token;
    if (http != HTTP_STATUS_OK) {
        const cJSON *about = single ? single : list ? list->child : NULL;
        fprintf(stderr, "quorumfs token: %s\n", text_of(about, "error"));
        return http == HTTP_STATUS_TIMEOUT ? TOKEN_UNKNOWN : TOKEN_REFUSED;
    }
    if (strcmp(command->action, "add") == 0)
        printf("%s\n", text_of(single, "token"));
    cJSON_ArrayForEach(token, list) print_token(token);
    return fflush(stdout) == 0 ? TOKEN_DONE : TOKEN_UNKNOWN;
}

/* ---- The request ---- */

static int token_ask(const struct token_command *command)
{
    struct verb_answer answer = {0};
    struct fault fault;
    char path[128] = "/tokens";
    bool sent = false, adds = strcmp(command->action, "add") == 0;
    bool lists = strcmp(command->action, "list") == 0;
    char *text = adds ? cJSON_PrintUnformatted(command->body) : NULL;
    if (!adds && !lists)
        snprintf(path, sizeof path, "/tokens/%s", command->name);
    int status = verb_request(verb_node(command->at),
                              lists  ? "GET"
                              : adds ? "POST"
                                     : "DELETE",
                              path, bytes_of_text(text ? text : ""), &answer, &sent, &fault);
    int code = sent && !lists ? TOKEN_UNKNOWN : TOKEN_REFUSED;
    cJSON *json =
        status == 0 ? cJSON_ParseWithLength((const char *)answer.body.data, answer.body.len) : NULL;
    if (status < 0)
        fprintf(stderr, "quorumfs token: %s%s\n", fault.text,
                code == TOKEN_UNKNOWN ? ": the outcome is unknown" : "");
    else
        code = token_print(command, json, answer.status);
    cJSON_Delete(json);
    cJSON_free(text);
    buffer_free(&answer.body);
    return code;
}

/* A name goes into the path as it is. */
static bool is_plain(const char *name)
{
    return !name || (*name && strlen(name) <= 64 &&
                     !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                        "0123456789._-")]);
}

int verb_token(int argc, char **argv)
{
    struct token_command command = {.body = cJSON_CreateObject()};
    bool fits = command.body && token_arguments(&command, argc, argv) && is_plain(command.name);
    int code = fits ? token_ask(&command) : verb_usage(argv[0]);
    cJSON_Delete(command.body);
    return code;
}
