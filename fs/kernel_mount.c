#include "fs/kernel_mount.h"

#include "fs/fs.h"
#include "fs/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define MOVE_MOUNT_BENEATH 0x200 /* Linux 6.5, newer than Debian's headers */

/* Of the options for the kernel (node/config/options.c), those that change something. */
static const struct attribute {
    const char *name;
    uint64_t set, cleared;
} attributes[] = {
    {"ro", MOUNT_ATTR_RDONLY, 0},       {"rw", 0, MOUNT_ATTR_RDONLY},
    {"nosuid", MOUNT_ATTR_NOSUID, 0},   {"nodev", MOUNT_ATTR_NODEV, 0},
    {"noexec", MOUNT_ATTR_NOEXEC, 0},   {"exec", 0, MOUNT_ATTR_NOEXEC},
    {"noatime", MOUNT_ATTR_NOATIME, 0},
};
#define ATTRIBUTES_OF_OPTIONS                                                                      \
    (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |                \
     MOUNT_ATTR__ATIME)

/* Of the file system, not of one mount. */
static const char *const flags[] = {"sync", "dirsync"};

static bool is_option(const char *name, const char *option, size_t len)
{
    return strlen(name) == len && memcmp(name, option, len) == 0;
}

/* Calls `use` for each of ",ro,noexec". */
static int each_option(const struct config *config,
                       int (*use)(void *arg, const char *option, size_t len), void *arg)
{
    int status = 0;
    for (const char *at = config->mount_options; status == 0 && *at;) {
        size_t len = strcspn(++at, ",");
        status = use(arg, at, len);
        at += len;
    }
    return status;
}

static int add_attribute(void *arg, const char *option, size_t len)
{
    uint64_t *set = arg;
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
        if (is_option(attributes[i].name, option, len))
            *set = (*set & ~attributes[i].cleared) | attributes[i].set;
    return 0;
}

static uint64_t attributes_of(const struct config *config)
{
    uint64_t set = (config->suid ? 0 : MOUNT_ATTR_NOSUID) | (config->dev ? 0 : MOUNT_ATTR_NODEV);
    each_option(config, add_attribute, &set);
    return set;
}

/* ---- A new mount ---- */

bool fs_kernel_checks(const struct config *config)
{
    return config->allow_other || geteuid() != 0;
}

const char *fs_mount_source(const struct config *config)
{
    return config->in_background ? config->dir : "quorumfs";
}

static int set_text(int context, const char *key, const char *value)
{
    return fsconfig(context, FSCONFIG_SET_STRING, key, value, 0) < 0 ? -errno : 0;
}

static int set_number(int context, const char *key, const char *format, unsigned int number)
{
    char text[16];
    snprintf(text, sizeof text, format, number);
    return set_text(context, key, text);
}

static int set_flag(int context, const char *key)
{
    return fsconfig(context, FSCONFIG_SET_FLAG, key, NULL, 0) < 0 ? -errno : 0;
}

static int add_flag(void *arg, const char *option, size_t len)
{
    int status = 0, context = *(int *)arg;
    for (size_t i = 0; status == 0 && i < sizeof flags / sizeof *flags; i++)
        if (is_option(flags[i], option, len))
            status = set_flag(context, flags[i]);
    return status;
}

/* As in fuse(4) and the kernel's Documentation/filesystems/fuse.rst. */
static int configure(int context, int device, const struct config *config)
{
    int status = set_text(context, "source", fs_mount_source(config));
    if (status == 0)
        status = set_text(context, "subtype", "quorumfs");
    if (status == 0)
        status = set_number(context, "fd", "%u", (unsigned int)device);
    if (status == 0)
        status = set_number(context, "rootmode", "%o", S_IFDIR);
    if (status == 0)
        status = set_number(context, "user_id", "%u", geteuid());
    if (status == 0)
        status = set_number(context, "group_id", "%u", getegid());
    if (status == 0)
        status = set_number(context, "max_read", "%u", FS_TRANSFER_BYTES_MAX);
    if (status == 0 && fs_kernel_checks(config))
        status = set_flag(context, "default_permissions");
    if (status == 0 && config->allow_other)
        status = set_flag(context, "allow_other");
    if (status == 0)
        status = each_option(config, add_flag, &context);
    if (status == 0 && fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        status = -errno;
    return status;
}

int fs_kernel_mount_new(int device, const struct config *config, struct fault *fault)
{
    int context = fsopen("fuse", FSOPEN_CLOEXEC);
    if (context < 0)
        return fault_set(fault, -errno, "fsopen: %s", strerror(errno));
    int status = configure(context, device, config);
    int mount = status;
    if (status == 0) {
        mount = fsmount(context, FSMOUNT_CLOEXEC, (unsigned int)attributes_of(config));
        status = mount < 0 ? -errno : 0;
    }
    close(context);
    return status < 0 ? fault_set(fault, status, "the kernel makes no mount: %s", strerror(-status))
                      : mount;
}

int fs_kernel_mount_place(int mount, const char *path, bool covered, struct fault *fault)
{
    bool beneath = covered && move_mount(mount, "", AT_FDCWD, path,
                                         MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_BENEATH) == 0;
    if (!beneath && move_mount(mount, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return fault_set(fault, -errno, "%s: %s", path, strerror(errno));
    if (beneath && umount2(path, MNT_DETACH) < 0)
        return fault_set(fault, -errno, "%s: the dead mount cannot be taken away: %s", path,
                         strerror(errno));
    return 0;
}

/* ---- A mount that is there ---- */

int fs_remount(const struct config *config, struct fault *fault)
{
    struct mount_attr attr = {.attr_set = attributes_of(config)};
    attr.attr_clr = ATTRIBUTES_OF_OPTIONS;
    if (mount_setattr(AT_FDCWD, config->mount, 0, &attr, sizeof attr) < 0)
        return fault_set(fault, -errno, "%s: %s", config->mount,
                         errno == EINVAL ? "nothing is mounted there" : strerror(errno));
    return 0;
}
