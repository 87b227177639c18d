#include "head.h"

#include "status.h"

#include <string.h>
#include <strings.h>

/* ---- Bytes ---- */

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_alpha(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* RFC 9110, 5.6.2 */
static bool is_token(uint8_t c)
{
    return is_alpha(c) || is_digit(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

bool http_byte_is_text(uint8_t c)
{
    return c == '\t' || (c >= 0x20 && c != 0x7f);
}

bool http_word_is(struct bytes bytes, const char *word)
{
    return strlen(word) == bytes.len && strncasecmp((const char *)bytes.data, word, bytes.len) == 0;
}

/* ---- The end of a head ---- */

long http_head_find(struct bytes input, size_t *scanned)
{
    const uint8_t *data = input.data;
    for (size_t i = *scanned; i < input.len; i++) {
        if (http_byte_is_text(data[i]) && (i == 0 || data[i - 1] != '\r'))
            continue;
        bool line_end = data[i] == '\n' && i > 0 && data[i - 1] == '\r';
        bool begins_line_end = data[i] == '\r' && (i == 0 || data[i - 1] != '\r');
        if (!line_end && !begins_line_end)
            return -1;
        if (line_end && i >= 3 && data[i - 2] == '\n')
            return (long)i + 1;
    }
    *scanned = input.len;
    return 0;
}

/* ---- Lists ---- */

const char *http_head_field(const struct http_head *head, const char *name)
{
    for (uint32_t i = 0; i < head->field_count; i++)
        if (strcasecmp(head->fields[i].name, name) == 0)
            return head->fields[i].value;
    return NULL;
}

char *http_head_secret(struct http_head *head, const char *name)
{
    return (char *)http_head_field(head, name);
}

struct http_list http_list_of(const struct http_head *head, const char *name)
{
    return (struct http_list){.head = head, .name = name};
}

static bool list_find_field(struct http_list *list)
{
    while (!list->at && list->field < list->head->field_count) {
        const struct http_field *field = &list->head->fields[list->field++];
        if (strcasecmp(field->name, list->name) == 0)
            list->at = field->value;
    }
    return list->at;
}

/* The length of the member at `text`: up to a comma that is not between quotes. */
static size_t member_length(const char *text)
{
    bool quoted = false;
    size_t len = 0;
    for (; text[len] && (quoted || text[len] != ','); len++)
        quoted ^= text[len] == '"';
    return len;
}

bool http_list_next(struct http_list *list, struct bytes *member)
{
    while (list_find_field(list)) {
        const char *begin = list->at + strspn(list->at, " \t,");
        size_t len = member_length(begin);
        list->at = begin[len] ? begin + len : NULL;
        while (len > 0 && strchr(" \t", begin[len - 1]))
            len--;
        *member = bytes_of(begin, len);
        if (len > 0)
            return true;
    }
    return false;
}

bool http_list_has(const struct http_head *head, const char *name, const char *word)
{
    struct http_list list = http_list_of(head, name);
    struct bytes member;
    while (http_list_next(&list, &member))
        if (http_word_is(member, word))
            return true;
    return false;
}

/* ---- The request line ---- */

/* Cuts a line off at `*text`, without its CRLF. */
static char *next_line(char **text)
{
    char *line = *text;
    char *end = strchr(line, '\r'); /* http_head_find has seen that LF follows */
    *end = 0;
    *text = end + 2;
    return line;
}

bool http_authority_ok(struct bytes authority)
{
    const uint8_t *at = authority.data, *end = at + authority.len;
    bool bracket = authority.len > 0 && *at == '[';
    const uint8_t *host = at;
    if (bracket)
        while (at < end && *at != ']')
            at++;
    else
        while (at < end && *at != ':')
            at++;
    size_t len = (size_t)(at - host);
    for (size_t i = bracket; i < len; i++) {
        bool fits = bracket ? is_digit(host[i]) || is_alpha(host[i]) || strchr(":.%", host[i])
                            : is_token(host[i]) || strchr("();=", host[i]); /* RFC 3986, 3.2.2 */
        if (!host[i] || !fits)
            return false;
    }
    if (len == 0 || (bracket && (at == end || len == 1)))
        return false;
    at += bracket;
    if (at == end)
        return true;
    if (*at++ != ':' || end - at > 5)
        return false;
    while (at < end && is_digit(*at))
        at++;
    return at == end;
}

/* http://HOST/PATH: the host counts instead of that of the Host field (RFC 9112, 3.2.2). */
static bool take_absolute_form(struct http_head *head)
{
    char *rest = strstr(head->target, "://");
    if (!rest)
        return false;
    struct bytes scheme = bytes_of(head->target, (size_t)(rest - head->target));
    if (!http_word_is(scheme, "http") && !http_word_is(scheme, "https"))
        return false;
    rest += strlen("://");
    head->host = bytes_of(rest, strcspn(rest, "/?"));
    head->target = rest + head->host.len;
    return http_authority_ok(head->host);
}

/* The four forms of RFC 9112, 3.2. */
static bool take_target(struct http_head *head)
{
    if (strchr(head->target, '#'))
        return false; /* a fragment stays with the client */
    if (strcmp(head->method, "CONNECT") == 0) {
        head->host = bytes_of_text(head->target);
        head->target += head->host.len;
        return http_authority_ok(head->host);
    }
    if (head->target[0] == '/')
        return true;
    if (strcmp(head->target, "*") == 0)
        return strcmp(head->method, "OPTIONS") == 0;
    return take_absolute_form(head);
}

/* HTTP/1.0 or 1.1; a later 1.x is read as 1.1 (RFC 9110, 2.5). */
static unsigned int take_version(struct http_head *head, const char *version, const char **why)
{
    bool ok = strncmp(version, "HTTP/", 5) == 0 && is_digit((uint8_t)version[5]) &&
              version[6] == '.' && is_digit((uint8_t)version[7]) && !version[8];
    *why = "the request line must end with HTTP/1.1 or HTTP/1.0";
    if (!ok)
        return HTTP_BAD_REQUEST;
    head->is_1_0 = version[7] == '0';
    return version[5] == '1' ? 0 : HTTP_VERSION_NOT_SUPPORTED;
}

static unsigned int take_request_line(struct http_head *head, char *line, const char **why)
{
    size_t len = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-");
    *why = "the request line must be METHOD, TARGET and HTTP/1.1, with one blank between them; "
           "methods are upper-case";
    if (len == 0 || line[len] != ' ')
        return HTTP_BAD_REQUEST;
    head->method = line;
    line[len] = 0;
    head->target = line + len + 1;
    len = strcspn(head->target, " \t");
    if (head->target[len] != ' ')
        return HTTP_BAD_REQUEST;
    head->target[len] = 0;
    unsigned int status = take_version(head, head->target + len + 1, why);
    if (status != 0)
        return status;
    *why = "the target must be a path, or http://HOST/PATH";
    return take_target(head) ? 0 : HTTP_BAD_REQUEST;
}

/* ---- Fields ---- */

static bool take_field(struct http_head *head, char *line)
{
    size_t len = 0;
    while (is_token((uint8_t)line[len]))
        len++;
    if (len == 0 || line[len] != ':')
        return false;
    line[len] = 0;
    char *value = line + len + 1;
    value += strspn(value, " \t");
    len = strlen(value);
    while (len > 0 && strchr(" \t", value[len - 1]))
        value[--len] = 0;
    head->fields[head->field_count++] = (struct http_field){line, value};
    return true;
}

static uint32_t field_count(const struct http_head *head, const char *name)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < head->field_count; i++)
        count += strcasecmp(head->fields[i].name, name) == 0;
    return count;
}

/* Fields that say one thing: two of them, even equal ones, are read in two ways. */
static const char *find_repeated(const struct http_head *head)
{
    static const char *const names[] = {"Host",
                                        "Content-Length",
                                        "Content-Type",
                                        "Content-Range",
                                        "Range",
                                        "If-Modified-Since",
                                        "Origin",
                                        "If-Range",
                                        "If-Unmodified-Since",
                                        "Authorization",
                                        "Sec-WebSocket-Key",
                                        "Sec-WebSocket-Version",
                                        "User-Agent",
                                        "Sec-Fetch-Site",
                                        "Sec-Fetch-Mode",
                                        "Sec-Fetch-Dest"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (field_count(head, names[i]) > 1)
            return names[i];
    return NULL;
}

static unsigned int take_host(struct http_head *head, const char **why)
{
    const char *host = http_head_field(head, "Host");
    *why = "a request of HTTP/1.1 has one Host";
    if (!host)
        return head->is_1_0 ? 0 : HTTP_BAD_REQUEST;
    *why = "Host must be HOST or HOST:PORT";
    if (!http_authority_ok(bytes_of_text(host)))
        return HTTP_BAD_REQUEST;
    if (!head->host.data)
        head->host = bytes_of_text(host);
    return 0;
}

/* Digits only: strtoull(3) would take a sign and blanks. */
static bool take_length(struct http_head *head, const char *text)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || text[digits])
        return false;
    for (; *text; text++) {
        if (head->body_bytes > (UINT64_MAX - 9) / 10)
            head->body_bytes = UINT64_MAX;
        else
            head->body_bytes = 10 * head->body_bytes + (uint64_t)(*text - '0');
    }
    return true;
}

/* How the body is told from the next request (RFC 9112, 6). */
static unsigned int take_framing(struct http_head *head, const char **why)
{
    const char *length = http_head_field(head, "Content-Length");
    bool encoded = http_head_field(head, "Transfer-Encoding");
    *why = "Content-Length and Transfer-Encoding exclude each other";
    if (length && encoded)
        return HTTP_BAD_REQUEST;
    *why = "Content-Length must be a number";
    if (length)
        return take_length(head, length) ? 0 : HTTP_BAD_REQUEST;
    if (!encoded)
        return 0;
    struct http_list list = http_list_of(head, "Transfer-Encoding");
    struct bytes member;
    uint32_t count = 0, chunked = 0;
    for (; http_list_next(&list, &member); count++) {
        head->chunked = http_word_is(member, "chunked");
        chunked += head->chunked;
    }
    *why = "the only transfer coding that this node knows is chunked, once and as the last";
    if (head->is_1_0 || !head->chunked || chunked > 1)
        return HTTP_BAD_REQUEST;
    return count == 1 ? 0 : HTTP_NOT_IMPLEMENTED;
}

static unsigned int head_take_fields(struct http_head *head, char *text, const char **why)
{
    for (;;) {
        char *line = next_line(&text);
        if (!*line)
            break;
        *why = "this request has more than 100 header fields";
        if (head->field_count == HTTP_FIELDS_MAX)
            return HTTP_HEADERS_TOO_LARGE;
        *why = "a header field is NAME: VALUE on one line, without a blank before the colon";
        if (!take_field(head, line))
            return HTTP_BAD_REQUEST;
    }
    *why = "a field that may come once, such as Host or Content-Length, came twice";
    return find_repeated(head) ? HTTP_BAD_REQUEST : 0;
}

unsigned int http_head_parse(char *text, size_t len, struct http_head *head, const char **why)
{
    *head = (struct http_head){.field_count = 0};
    text[len - 1] = 0;
    if (text[0] == '\r')
        text += 2;
    unsigned int status = take_request_line(head, next_line(&text), why);
    if (status == 0)
        status = head_take_fields(head, text, why);
    if (status == 0)
        status = take_host(head, why);
    if (status == 0)
        status = take_framing(head, why);
    if (status != 0)
        return status;
    bool asks = http_list_has(head, "Connection", "keep-alive");
    head->keep_alive = !http_list_has(head, "Connection", "close") && (head->is_1_0 ? asks : true);
    head->expects_continue = !head->is_1_0 && http_list_has(head, "Expect", "100-continue");
    return 0;
}
