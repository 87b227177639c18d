/* node.json: JSON with comments. */
#include "base/buffer.h"
#include "config/draft.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { CONFIG_FILE_MAX = 1024 * 1024 };

static int config_syntax_error(const char *text, const char *at, const char *what,
                               struct fault *fault)
{
    int line = 1, column = 1;
    for (const char *c = text; c < at; c++) {
        line += *c == '\n';
        column = *c == '\n' ? 1 : column + 1;
    }
    return fault_set(fault, -EINVAL, "node.json: line %d, column %d: %s", line, column, what);
}

/* The end of a JSON string that begins at `at`. */
static char *config_skip_string(char *at)
{
    for (at++; *at != '\0' && *at != '"'; at++) {
        if (at[0] == '\\' && at[1] != '\0')
            at++;
    }
    return *at == '"' ? at + 1 : at;
}

/* The end of the comment that begins at `at`; `at` itself if none does, NULL if it does not end. */
static char *config_comment_end(char *at)
{
    char *end;
    if (strncmp(at, "//", 2) == 0)
        return strchrnul(at, '\n');
    if (strncmp(at, "/*", 2) == 0) {
        end = strstr(at + 2, "*/");
        return end ? end + 2 : NULL;
    }
    return at;
}

/* Comments become blanks, so that lines and columns stay. Returns NULL, or where one begins that
 * does not end. */
static const char *config_blank_comments(char *text)
{
    char *at = text;
    while (*at != '\0') {
        char *end = config_comment_end(at);
        if (!end)
            return at;
        if (*at == '"')
            at = config_skip_string(at);
        else if (end == at)
            at++;
        for (; at < end; at++)
            *at = *at == '\n' ? '\n' : ' ';
    }
    return NULL;
}

/* A field of this name comes before this one. */
static bool config_is_repeated(const cJSON *value)
{
    for (const cJSON *before = value; before->prev->next; before = before->prev) {
        if (strcmp(before->prev->string, value->string) == 0)
            return true;
    }
    return false;
}

/* `text` ends with a NUL and has none before. */
static int config_parse(struct config_draft *draft, char *text, struct fault *fault)
{
    const char *at = config_blank_comments(text);
    const cJSON *value;
    int status = 0;
    if (at)
        return config_syntax_error(text, at, "a comment that does not end", fault);
    cJSON *json = cJSON_ParseWithOpts(text, &at, true);
    if (!json)
        return config_syntax_error(text, at, "this is not JSON", fault);
    if (!cJSON_IsObject(json))
        status = fault_set(fault, -EINVAL, "node.json: expected an object {...} with fields");
    cJSON_ArrayForEach(value, json)
    {
        if (status == 0 && config_is_repeated(value))
            status = fault_set(fault, -EINVAL, "node.json: \"%s\" is given twice", value->string);
        if (status == 0 && config_set_field(draft, value, fault) < 0)
            status = fault_wrap(fault, -EINVAL, "node.json");
    }
    cJSON_Delete(json);
    return status;
}

/* Reads a whole file and puts a NUL behind it. */
static int config_slurp(FILE *file, struct buffer *text, struct fault *fault)
{
    uint8_t *room = buffer_reserve(text, CONFIG_FILE_MAX + 1);
    if (!room)
        return fault_set(fault, -EINVAL, "node.json: out of memory");
    text->len = fread(room, 1, CONFIG_FILE_MAX + 1, file);
    if (ferror(file))
        return fault_set(fault, -EINVAL, "node.json: %s", strerror(errno));
    if (text->len > CONFIG_FILE_MAX)
        return fault_set(fault, -EINVAL, "node.json: larger than %d bytes", CONFIG_FILE_MAX);
    room[text->len] = '\0';
    if (strlen((const char *)room) != text->len)
        return config_syntax_error((const char *)room, strchr((const char *)room, '\0'),
                                   "a NUL byte", fault);
    return 0;
}

/* A secret that others can read is none. */
static int config_check_mode(const struct config *config, int fd, const char *path,
                             struct fault *fault)
{
    struct stat about;
    if (!config->secret[0] || (fstat(fd, &about) == 0 && !(about.st_mode & 077)))
        return 0;
    return fault_set(fault, -EINVAL,
                     "%.200s has cluster_secret in it, and others than its owner may read it: "
                     "chmod 600 it, and make a new secret if others could",
                     path);
}

int config_read_file(struct config_draft *draft, struct fault *fault)
{
    char path[CONFIG_PATH_MAX + sizeof "/node.json"];
    struct buffer text = {0};
    snprintf(path, sizeof path, "%s/node.json", draft->config->dir);
    FILE *file = fopen(path, "re");
    if (!file && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (!file)
        return fault_set(fault, -EINVAL, "open %s: %s", path, strerror(errno));
    int status = config_slurp(file, &text, fault);
    if (status == 0)
        status = config_parse(draft, (char *)text.data, fault);
    if (status == 0)
        status = config_check_mode(draft->config, fileno(file), path, fault);
    if (text.data)
        explicit_bzero(text.data, text.len);
    buffer_free(&text);
    fclose(file);
    return status;
}
