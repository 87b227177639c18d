#include "names.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct name {
    struct bytes host; /* with the brackets of an IPv6 address */
    uint32_t port;     /* 0: none */
};

static struct name name_of(struct bytes authority)
{
    size_t len = authority.len;
    while (len > 0 && authority.data[len - 1] >= '0' && authority.data[len - 1] <= '9')
        len--;
    if (len == 0 || authority.data[len - 1] != ':')
        return (struct name){authority, 0};
    uint32_t port = 0;
    for (size_t i = len; i < authority.len; i++)
        port = port * 10 + (uint32_t)(authority.data[i] - '0');
    return (struct name){bytes_of(authority.data, len - 1), port};
}

/* A dot at the end only says that the name is complete. */
static struct bytes without_dot(struct bytes host)
{
    bool dot = host.len > 1 && host.data[host.len - 1] == '.';
    return bytes_of(host.data, host.len - dot);
}

static bool hosts_equal(struct bytes a, struct bytes b)
{
    a = without_dot(a);
    b = without_dot(b);
    return a.len == b.len && strncasecmp((const char *)a.data, (const char *)b.data, a.len) == 0;
}

static bool is_address(struct bytes host)
{
    char text[INET6_ADDRSTRLEN];
    uint8_t address[16];
    bool bracket = host.len > 1 && host.data[0] == '[';
    if (bracket)
        host = bytes_of(host.data + 1, host.len - 2);
    const uint8_t *zone = memchr(host.data, '%', host.len);
    size_t len = bracket && zone ? (size_t)(zone - host.data) : host.len;
    if (len >= sizeof text)
        return false;
    memcpy(text, host.data, len);
    text[len] = 0;
    return inet_pton(bracket ? AF_INET6 : AF_INET, text, address) == 1;
}

bool http_host_is_ours(const struct config *config, struct bytes authority)
{
    struct bytes host = name_of(authority).host;
    if (host.len == 0)
        return false;
    if (is_address(host) || hosts_equal(host, bytes_of_text("localhost")) ||
        hosts_equal(host, name_of(bytes_of_text(config->me.addr)).host))
        return true;
    for (uint32_t i = 0; i < config->host_count; i++)
        if (hosts_equal(host, name_of(bytes_of_text(config->hosts[i])).host))
            return true;
    return false;
}

bool http_origin_is_ours(const struct config *config, const char *origin, struct bytes authority)
{
    uint32_t default_port = strncasecmp(origin, "http://", 7) == 0    ? 80
                            : strncasecmp(origin, "https://", 8) == 0 ? 443
                                                                      : 0;
    if (default_port == 0)
        return false;
    struct bytes text = bytes_of_text(strstr(origin, "://") + 3);
    if (hosts_equal(text, authority))
        return true;
    struct name page = name_of(text), own = name_of(bytes_of_text(config->me.addr));
    uint32_t port = page.port ? page.port : default_port;
    if (hosts_equal(page.host, own.host) && port == own.port)
        return true;
    for (uint32_t i = 0; i < config->host_count; i++) {
        struct name name = name_of(bytes_of_text(config->hosts[i]));
        if (!hosts_equal(page.host, name.host))
            continue;
        if (name.port ? port == name.port : port == default_port || port == own.port)
            return true;
    }
    return false;
}

/* ---- Pages ---- */

static bool field_is(const struct http_head *head, const char *name, const char *word)
{
    const char *value = http_head_field(head, name);
    return value && http_word_is(bytes_of_text(value), word);
}

static bool only_reads(const struct http_head *head)
{
    return strcmp(head->method, "GET") == 0 || strcmp(head->method, "HEAD") == 0;
}

/* What a browser sends without asking first (the form types of HTML), if it does not say more of
 * itself than its name, with which all of them begin. */
static bool may_be_form(const struct http_head *head)
{
    static const char *const types[] = {"application/x-www-form-urlencoded", "multipart/form-data",
                                        "text/plain"};
    const char *agent = http_head_field(head, "User-Agent");
    const char *type = http_head_field(head, "Content-Type");
    if (!agent || strncasecmp(agent, "Mozilla/", 8) != 0 || strcmp(head->method, "POST") != 0)
        return false;
    bool form = !type;
    for (size_t i = 0; i < sizeof types / sizeof *types && !form; i++)
        form = strncasecmp(type, types[i], strlen(types[i])) == 0;
    return form;
}

bool http_page_may(const struct config *config, const struct http_head *head)
{
    const char *origin = http_head_field(head, "Origin");
    if (origin)
        return http_origin_is_ours(config, origin, head->host);
    if (!http_head_field(head, "Sec-Fetch-Site"))
        return !may_be_form(head);
    bool own =
        field_is(head, "Sec-Fetch-Site", "same-origin") || field_is(head, "Sec-Fetch-Site", "none");
    bool link = only_reads(head) && field_is(head, "Sec-Fetch-Mode", "navigate") &&
                field_is(head, "Sec-Fetch-Dest", "document");
    return own || link;
}
