/* How many operations on files a second, and how long each takes.
 *
 *   bench_files OPERATION FOLDER PROCESSES SECONDS FILES [sync]
 *
 * Each process has a folder of its own, FOLDER/p0 and so on, and in it the files f0 to f(FILES -
 * 1), which the operation "prepare" makes. It repeats the operation until the seconds are over.
 * With "sync" a change is synced before the next: for file systems on which a returned call need
 * not be on the disk. Prints one line of JSON, which includes the CPU time that this program
 * itself has used.
 */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SAMPLES_MAX = 1000000, PROCESSES_MAX = 64, VALUE_BYTES = 128, NAME_BYTES = 64 };

/* A process's figures when it is done; in memory that all processes share. */
struct outcome {
    uint32_t count;
    uint64_t nanoseconds, cpu_microseconds;
    uint32_t taken_ns[SAMPLES_MAX]; /* each operation */
};

struct shared {
    pthread_barrier_t begin;
    struct outcome outcomes[];
};

/* A process at work. */
struct worker {
    int folder;      /* its own */
    int held;        /* f0, open for reading */
    DIR *left;       /* files that unlink has not reached yet */
    unsigned unique; /* of this process, so that names of new files are new */
    uint32_t files, turn;
    bool sync;
};

struct operation {
    const char *name;
    bool (*once)(struct worker *w); /* false: there is nothing left to do */
};

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "bench_files: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t cpu_us(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000u +
           (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

/* One of the prepared files, each in turn. */
static const char *old_name(const struct worker *w, char name[NAME_BYTES])
{
    snprintf(name, NAME_BYTES, "f%u", w->turn % w->files);
    return name;
}

static const char *new_name(const struct worker *w, char kind, char name[NAME_BYTES])
{
    snprintf(name, NAME_BYTES, "%c%u-%u", kind, w->unique, w->turn);
    return name;
}

static void write_file(struct worker *w, const char *name, int flags)
{
    static const char value[VALUE_BYTES] = "what is written";
    int file = openat(w->folder, name, O_WRONLY | flags, 0644);
    must(file >= 0, name);
    must(write(file, value, sizeof value) == sizeof value, "write");
    if (w->sync)
        must(fsync(file) == 0, "fsync");
    must(close(file) == 0, "close");
}

static void sync_folder(struct worker *w)
{
    if (w->sync)
        must(fsync(w->folder) == 0, "fsync of the folder");
}

static bool prepare(struct worker *w)
{
    if (w->turn == w->files)
        return false;
    char name[NAME_BYTES];
    write_file(w, old_name(w, name), O_CREAT | O_TRUNC);
    return true;
}

/* Empty files, for a folder of very many. */
static bool entries(struct worker *w)
{
    if (w->turn == w->files)
        return false;
    char name[NAME_BYTES];
    must(mknodat(w->folder, old_name(w, name), S_IFREG | 0644, 0) == 0, "mknod");
    return true;
}

static bool create(struct worker *w)
{
    char name[NAME_BYTES];
    write_file(w, new_name(w, 'c', name), O_CREAT | O_EXCL);
    return true;
}

static bool overwrite(struct worker *w)
{
    char name[NAME_BYTES];
    write_file(w, old_name(w, name), O_TRUNC);
    return true;
}

static bool append(struct worker *w)
{
    char name[NAME_BYTES];
    write_file(w, old_name(w, name), O_APPEND);
    return true;
}

static bool replace(struct worker *w)
{
    char temporary[NAME_BYTES];
    write_file(w, new_name(w, 't', temporary), O_CREAT | O_EXCL);
    char name[NAME_BYTES];
    must(renameat(w->folder, temporary, w->folder, old_name(w, name)) == 0, "rename");
    sync_folder(w);
    return true;
}

static bool make_folder(struct worker *w)
{
    char name[NAME_BYTES];
    must(mkdirat(w->folder, new_name(w, 'd', name), 0755) == 0, "mkdir");
    sync_folder(w);
    return true;
}

/* Removes what "create" has made. */
static bool unlink_created(struct worker *w)
{
    const struct dirent *entry;
    do
        entry = readdir(w->left);
    while (entry && entry->d_name[0] != 'c');
    if (!entry)
        return false;
    must(unlinkat(w->folder, entry->d_name, 0) == 0, "unlink");
    sync_folder(w);
    return true;
}

static bool read_file(struct worker *w)
{
    char name[NAME_BYTES];
    int file = openat(w->folder, old_name(w, name), O_RDONLY);
    must(file >= 0, name);
    char value[4096];
    must(read(file, value, sizeof value) >= VALUE_BYTES, "read");
    must(close(file) == 0, "close");
    return true;
}

static bool stat_file(struct worker *w)
{
    char name[NAME_BYTES];
    struct stat about;
    must(fstatat(w->folder, old_name(w, name), &about, 0) == 0, "stat");
    return true;
}

static bool read_held(struct worker *w)
{
    char value[VALUE_BYTES];
    must(pread(w->held, value, sizeof value, 0) == sizeof value, "pread");
    return true;
}

static void list_folder(struct worker *w, bool attributes)
{
    DIR *folder = fdopendir(openat(w->folder, ".", O_RDONLY | O_DIRECTORY));
    uint32_t seen = 0;
    must(folder, "opendir");
    struct stat about;
    const struct dirent *entry;
    while ((entry = readdir(folder))) {
        seen++;
        if (attributes)
            must(fstatat(w->folder, entry->d_name, &about, AT_SYMLINK_NOFOLLOW) == 0, "stat");
    }
    must(seen >= w->files + 2, "readdir");
    closedir(folder);
}

static bool list(struct worker *w)
{
    list_folder(w, false);
    return true;
}

static bool list_long(struct worker *w)
{
    list_folder(w, true);
    return true;
}

static const struct operation operations[] = {
    {"prepare", prepare},     {"entries", entries},       {"create", create},
    {"overwrite", overwrite}, {"append", append},         {"replace", replace},
    {"mkdir", make_folder},   {"unlink", unlink_created}, {"read", read_file},
    {"stat", stat_file},      {"pread", read_held},       {"list", list},
    {"list-long", list_long},
};

static const struct operation *operation_named(const char *name)
{
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        if (strcmp(operations[i].name, name) == 0)
            return &operations[i];
    fprintf(stderr, "bench_files: %s is no operation\n", name);
    exit(2);
}

static void open_folder(struct worker *w, const char *path, unsigned number)
{
    char own[4096];
    snprintf(own, sizeof own, "%s/p%u", path, number);
    must(mkdir(own, 0755) == 0 || errno == EEXIST, own);
    w->folder = open(own, O_RDONLY | O_DIRECTORY);
    must(w->folder >= 0, own);
    w->held = openat(w->folder, "f0", O_RDONLY); /* which is not there before "prepare" */
    w->left = opendir(own);
    must(w->left, own);
    w->unique = (unsigned)getpid();
}

static void work(struct worker *w, const struct operation *operation, double seconds,
                 struct outcome *o)
{
    uint64_t cpu = cpu_us(), start = now_ns(), before = start;
    uint64_t end = seconds > 0 ? start + (uint64_t)(seconds * 1e9) : UINT64_MAX;
    while (before < end && o->count < SAMPLES_MAX && operation->once(w)) {
        uint64_t after = now_ns(), taken = after - before;
        o->taken_ns[o->count++] = taken < UINT32_MAX ? (uint32_t)taken : UINT32_MAX;
        w->turn++;
        before = after;
    }
    o->nanoseconds = before - start;
    o->cpu_microseconds = cpu_us() - cpu;
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void report(const struct shared *shared, unsigned processes)
{
    uint32_t *all = malloc(sizeof *all * SAMPLES_MAX * processes);
    uint64_t cpu = 0;
    size_t count = 0;
    double rate = 0;
    must(all, "malloc");
    for (unsigned i = 0; i < processes; i++) {
        const struct outcome *o = &shared->outcomes[i];
        memcpy(all + count, o->taken_ns, sizeof *all * o->count);
        count += o->count;
        cpu += o->cpu_microseconds;
        rate += o->nanoseconds ? (double)o->count * 1e9 / (double)o->nanoseconds : 0;
    }
    qsort(all, count, sizeof *all, by_size);
    if (count == 0) {
        printf("{\"count\": 0}\n");
        free(all);
        return;
    }
    printf("{\"count\": %zu, \"rate\": %.2f, \"p50_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f, "
           "\"client_cpu_us\": %.1f}\n",
           count, rate, all[count / 2] / 1e3, all[count * 99 / 100] / 1e3, all[count - 1] / 1e3,
           (double)cpu / (double)count);
    free(all);
}

static struct shared *share(unsigned processes)
{
    struct shared *shared =
        mmap(NULL, sizeof *shared + sizeof(struct outcome) * processes, PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    must(shared != MAP_FAILED, "mmap");
    pthread_barrierattr_t between_processes;
    pthread_barrierattr_init(&between_processes);
    pthread_barrierattr_setpshared(&between_processes, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&shared->begin, &between_processes, processes);
    pthread_barrierattr_destroy(&between_processes);
    return shared;
}

int main(int argc, char **argv)
{
    if (argc < 6) {
        fprintf(stderr, "bench_files OPERATION FOLDER PROCESSES SECONDS FILES [sync]\n");
        return 2;
    }
    const struct operation *operation = operation_named(argv[1]);
    unsigned processes = (unsigned)strtoul(argv[3], NULL, 10);
    double seconds = strtod(argv[4], NULL);
    struct worker worker = {.files = (uint32_t)strtoul(argv[5], NULL, 10), .sync = argc > 6};

    if (processes < 1 || processes > PROCESSES_MAX || worker.files < 1) {
        fprintf(stderr, "bench_files: 1 to %d processes, at least one file\n", PROCESSES_MAX);
        return 2;
    }
    struct shared *shared = share(processes);
    for (unsigned i = 0; i < processes; i++) {
        if (fork() > 0)
            continue;
        /* a process that waits for a failed one would never end */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        open_folder(&worker, argv[2], i);
        pthread_barrier_wait(&shared->begin);
        work(&worker, operation, seconds, &shared->outcomes[i]);
        _exit(0);
    }
    for (int status; wait(&status) > 0;)
        must(status == 0, "a process has failed");
    report(shared, processes);
    return 0;
}
