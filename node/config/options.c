/* The options of mount(8), as in the fourth column of fstab(5). */
#include "config/draft.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* For the kernel, which carries them out. */
static const char *const kernel_options[] = {
    "ro",     "rw",      "suid",  "nosuid", "dev",     "nodev",      "exec",
    "noexec", "noatime", "async", "sync",   "dirsync", "nodiratime",
};

/* For mount(8) and systemd, which have already acted on them. */
static const char *const mount_options[] = {
    "defaults", "auto", "noauto", "user", "nouser", "users", "nofail", "_netdev", "relatime",
};

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

static int config_set_option(struct config_draft *draft, char *option, struct fault *fault)
{
    const size_t kernel_count = sizeof kernel_options / sizeof *kernel_options;
    const size_t mount_count = sizeof mount_options / sizeof *mount_options;
    if (config_has(kernel_options, kernel_count, option))
        return config_add_kernel_option(draft->config, option, fault);
    if (option[0] == '\0' || strncmp(option, "x-", 2) == 0 ||
        config_has(mount_options, mount_count, option))
        return 0;
    return config_set_option_field(draft, option, fault);
}

int config_set_options(struct config_draft *draft, const char *options, struct fault *fault)
{
    char *copy = strdup(options), *rest = copy, *option;
    int status = copy ? 0 : fault_set(fault, -EINVAL, "out of memory");
    while (status == 0 && (option = strsep(&rest, ",")))
        status = config_set_option(draft, option, fault);
    free(copy);
    return status < 0 ? fault_wrap(fault, status, "option -o") : 0;
}
