/* quorumfs secret: the secret by which the nodes of a cluster prove themselves to each other. */
#include "verbs/verb.h"

#include "tls/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRET_PATH_MAX = 4096, SECRET_TEXT_MAX = 4096 };

static int secret_fail(const char *path)
{
    fprintf(stderr, "quorumfs secret: %s: %s\n", path, strerror(errno));
    return EXIT_FAILURE;
}

/* The text is on disk when this returns, in a file that nobody else can read. */
static int secret_write(int fd, const char *text)
{
    size_t len = strlen(text);
    if (fchmod(fd, 0600) == 0 && write(fd, text, len) == (ssize_t)len && fsync(fd) == 0 &&
        close(fd) == 0)
        return 0;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static int secret_new(const char *path)
{
    char text[TLS_SECRET_MAX + 1];
    if (tls_make_secret(text) < 0) {
        fprintf(stderr, "quorumfs secret: there are no random numbers\n");
        return EXIT_FAILURE;
    }
    strcat(text, "\n");
    if (!path)
        return fputs(text, stdout) < 0 || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd < 0 || secret_write(fd, text) < 0 ? secret_fail(path) : EXIT_SUCCESS;
}

/* ---- rotate ---- */

/* The lines that hold secrets. Returns how many, or -1 with errno. */
static int secret_lines(const char *path, char text[SECRET_TEXT_MAX], char *lines[TLS_SECRETS_MAX],
                        struct stat *about)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 || fstat(fd, about) < 0 ? -1 : read(fd, text, SECRET_TEXT_MAX - 1);
    int error = errno, count = 0;
    if (fd >= 0)
        close(fd);
    errno = error;
    if (len < 0)
        return -1;
    text[len] = '\0';
    char *line;
    while ((line = strsep(&text, "\n"))) {
        line[strcspn(line, "\r")] = '\0';
        if (line[0] && line[0] != '#' && count < TLS_SECRETS_MAX)
            lines[count++] = line;
    }
    return count;
}

/* A folder's file is the one that its node.json names in the examples. */
static void secret_path(const char *given, char path[SECRET_PATH_MAX])
{
    struct stat about;
    bool folder = stat(given, &about) == 0 && S_ISDIR(about.st_mode);
    snprintf(path, SECRET_PATH_MAX, folder ? "%s/secret" : "%s", given);
}

/* The file is whole at any moment, since a node may read it. */
static int secret_replace(const char *path, const char *text, const struct stat *owner)
{
    char beside[SECRET_PATH_MAX + 8];
    snprintf(beside, sizeof beside, "%s.new", path);
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return secret_fail(beside);
    if (fchown(fd, owner->st_uid, owner->st_gid) == 0 && secret_write(fd, text) == 0 &&
        rename(beside, path) == 0)
        return EXIT_SUCCESS;
    int status = secret_fail(beside);
    unlink(beside);
    return status;
}

/* The new secret comes first: it is dialled with where the other end knows it, and both let nodes
 * in. Once all nodes have this file, the old one can go. */
static int secret_change(const char *given, bool rotate)
{
    char path[SECRET_PATH_MAX], text[SECRET_TEXT_MAX], out[2 * SECRET_TEXT_MAX];
    char made[TLS_SECRET_MAX], *lines[TLS_SECRETS_MAX];
    struct stat about;
    secret_path(given, path);
    int count = secret_lines(path, text, lines, &about);
    if (count < 0)
        return secret_fail(path);
    if (count != (rotate ? 1 : 2)) {
        fprintf(stderr, "quorumfs secret: %s has %d secret%s: %s\n", path, count,
                count == 1 ? "" : "s",
                rotate ? "end the change before with quorumfs secret finish" : "nothing to finish");
        return EXIT_FAILURE;
    }
    if (rotate && tls_make_secret(made) < 0) {
        fprintf(stderr, "quorumfs secret: there are no random numbers\n");
        return EXIT_FAILURE;
    }
    if (rotate)
        snprintf(out, sizeof out, "%s\n%s\n", made, lines[0]);
    else
        snprintf(out, sizeof out, "%s\n", lines[0]);
    return secret_replace(path, out, &about);
}

int verb_secret(int argc, char **argv)
{
    if (argc >= 2 && argc <= 3 && strcmp(argv[1], "new") == 0)
        return secret_new(argv[2]);
    if (argc == 3 && strcmp(argv[1], "rotate") == 0)
        return secret_change(argv[2], true);
    if (argc == 3 && strcmp(argv[1], "finish") == 0)
        return secret_change(argv[2], false);
    return verb_usage("secret");
}
