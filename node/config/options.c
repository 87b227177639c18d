/* The options of mount(8), as in the fourth column of fstab(5). */
#include "config/draft.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* For the kernel, which carries them out. */
static const char *const kernel_options[] = {
    "ro", "rw", "nosuid", "nodev", "exec", "noexec", "noatime", "async", "sync", "dirsync",
};

/* Done already: by mount(8) and systemd, or because reading never changes an access time here. And
 * `suid` and `dev`, which mount.fuse3(8) adds by itself: they must be said in node.json. */
static const char *const done_options[] = {
    "defaults", "auto",     "noauto",     "user",       "nouser",        "users",      "nousers",
    "owner",    "noowner",  "group",      "nogroup",    "nofail",        "_netdev",    "relatime",
    "diratime", "lazytime", "nodiratime", "nolazytime", "nostrictatime", "noiversion", "nomand",
    "silent",   "loud",     "suid",       "dev",
};

/* What the mount cannot do. */
static const struct {
    const char *name, *why;
} refused_options[] = {
    {"strictatime", "reading never changes the access time of a file here: leave it out"},
    {"norelatime", "reading never changes the access time of a file here: leave it out"},
    {"mand", "there are no mandatory locks here: leave it out"},
    {"iversion", "the mount counts no versions of inodes: leave it out"},
};

/* Of /proc/mounts, which mount(8) repeats when it remounts. */
static const char *const repeated_options[] = {
    "user_id=", "group_id=", "max_read=", "blksize=", "default_permissions",
};

static bool config_repeats(const char *option)
{
    for (size_t i = 0; i < sizeof repeated_options / sizeof *repeated_options; i++) {
        if (strncmp(option, repeated_options[i], strlen(repeated_options[i])) == 0)
            return true;
    }
    return false;
}

static bool config_has(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

static int config_add_kernel_option(struct config *config, const char *name, struct fault *fault)
{
    size_t len = strlen(config->mount_options);
    int more =
        snprintf(config->mount_options + len, sizeof config->mount_options - len, ",%s", name);
    if (more >= (int)(sizeof config->mount_options - len))
        return fault_set(fault, -EINVAL, "too many of them");
    return 0;
}

/* NAME=TEXT is the field of node.json of this name, and NAME alone one that is true. */
static int config_set_option_field(struct config_draft *draft, char *option, struct fault *fault)
{
    char *text = strchr(option, '=');
    if (strncmp(option, "cluster_secret", strlen("cluster_secret")) == 0)
        return fault_set(fault, -EINVAL,
                         "cluster_secret: every user of this machine can read a command line: put "
                         "it into a file of mode 0600, and name that by secret_file");
    cJSON *value = text ? cJSON_CreateString(text + 1) : cJSON_CreateTrue();
    if (!value)
        return fault_set(fault, -EINVAL, "out of memory");
    if (text)
        *text = '\0';
    value->string = option;
    int status = config_set_field(draft, value, fault);
    value->string = NULL;
    cJSON_Delete(value);
    return status;
}

static int config_refuse(const char *option, struct fault *fault)
{
    for (size_t i = 0; i < sizeof refused_options / sizeof *refused_options; i++) {
        if (strcmp(refused_options[i].name, option) == 0)
            return fault_set(fault, -EINVAL, "%s: %s", option, refused_options[i].why);
    }
    return 0;
}

static int config_set_option(struct config_draft *draft, char *option, struct fault *fault)
{
    const size_t kernel_count = sizeof kernel_options / sizeof *kernel_options;
    const size_t done_count = sizeof done_options / sizeof *done_options;
    if (config_has(kernel_options, kernel_count, option))
        return config_add_kernel_option(draft->config, option, fault);
    if (option[0] == '\0' || strncasecmp(option, "x-", 2) == 0 ||
        strncmp(option, "comment=", strlen("comment=")) == 0 ||
        config_has(done_options, done_count, option))
        return 0;
    if (draft->config->remount && (strcmp(option, "remount") == 0 || config_repeats(option)))
        return 0;
    if (config_refuse(option, fault) < 0)
        return -EINVAL;
    return config_set_option_field(draft, option, fault);
}

/* Whether one of "A,B" is `name`. */
static bool config_lists(const char *list, const char *name)
{
    for (size_t len; *list; list += len + (list[len] == ',')) {
        len = strcspn(list, ",");
        if (len == strlen(name) && memcmp(list, name, len) == 0)
            return true;
    }
    return false;
}

int config_set_options(struct config_draft *draft, const char *options, struct fault *fault)
{
    char *copy = strdup(options), *rest = copy, *option;
    int status = copy ? 0 : fault_set(fault, -EINVAL, "out of memory");
    draft->config->remount |= config_lists(options, "remount");
    while (status == 0 && (option = strsep(&rest, ",")))
        status = config_set_option(draft, option, fault);
    free(copy);
    return status < 0 ? fault_wrap(fault, status, "option -o") : 0;
}
