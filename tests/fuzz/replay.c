/* Runs a target without libFuzzer: inputs (files, or all of a folder), then mutations of them. A
 * mutation depends on the seed and its number alone, so one that fails can be had again. */
#include "fuzz.h"

#include <dirent.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CORPUS_MAX = 4096, INPUT_BYTES_MAX = 64 * 1024, EDITS_MAX = 6, EDIT_BYTES_MAX = 64 };

struct input {
    char name[256];
    struct buffer bytes;
};

static struct {
    struct input inputs[CORPUS_MAX];
    size_t count;
} corpus;

struct options {
    uint64_t seed, first, mutations;
    const char *save; /* the mutated input is kept here before it runs */
};

/* ---- The current input, printed if it crashes ---- */

static char running[512];

static void tell(void)
{
    fprintf(stderr, "\n%s\n", running);
}

static void on_signal(int number)
{
    tell();
    signal(number, SIG_DFL);
    raise(number);
}

/* The sanitizers' hook, if they are linked. */
extern void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void watch_for_death(void)
{
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(tell);
    signal(SIGABRT, on_signal);
    if (!__sanitizer_set_death_callback)
        signal(SIGSEGV, on_signal);
}

/* ---- The corpus ---- */

static void load(const char *path, const char *name)
{
    assert(corpus.count < CORPUS_MAX);
    struct input *input = &corpus.inputs[corpus.count++];
    snprintf(input->name, sizeof input->name, "%s", name);
    FILE *file = fopen(path, "rb");
    assert(file);
    uint8_t *to = buffer_reserve(&input->bytes, INPUT_BYTES_MAX);
    assert(to);
    input->bytes.len = fread(to, 1, INPUT_BYTES_MAX, file);
    fclose(file);
}

static void load_all(const char *path)
{
    struct dirent **names;
    int count = scandir(path, &names, NULL, alphasort);
    if (count < 0) {
        load(path, path);
        return;
    }
    for (int i = 0; i < count; i++) {
        char file[512];
        snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name);
        if (names[i]->d_name[0] != '.')
            load(file, names[i]->d_name);
        free(names[i]);
    }
    free(names);
}

/* ---- Mutations ---- */

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static size_t random_below(uint64_t *state, size_t limit)
{
    return limit ? (size_t)(next_random(state) % limit) : 0;
}

static const struct input *random_input(uint64_t *state)
{
    static const struct input nothing;
    return corpus.count ? &corpus.inputs[random_below(state, corpus.count)] : &nothing;
}

/* Replaces `gone` bytes at `at`. */
static void splice(struct buffer *b, size_t at, size_t gone, struct bytes with)
{
    gone = gone < b->len - at ? gone : b->len - at;
    uint8_t *room = buffer_reserve(b, with.len);
    assert(room);
    memmove(b->data + at + with.len, b->data + at + gone, b->len - at - gone);
    if (with.len > 0)
        memcpy(b->data + at, with.data, with.len);
    b->len += with.len - gone;
}

static struct bytes random_piece(uint64_t *state)
{
    const struct input *other = random_input(state);
    size_t from = random_below(state, other->bytes.len);
    size_t len = random_below(state, EDIT_BYTES_MAX) + 1;
    size_t left = other->bytes.len - from;
    return bytes_of(other->bytes.data + from, len < left ? len : left);
}

static void edit(struct buffer *b, uint64_t *state)
{
    static const uint8_t edges[] = {0, 1, 2, 0x20, 0x22, 0x2f, 0x7f, 0x80, 0xfe, 0xff};
    size_t at = random_below(state, b->len + 1);
    uint8_t byte = (uint8_t)next_random(state);
    uint8_t edge = edges[random_below(state, sizeof edges)];
    switch (random_below(state, 6)) {
    case 0:
        if (at < b->len)
            b->data[at] ^= (uint8_t)(1 << byte % 8);
        break;
    case 1:
        splice(b, at, 1, bytes_of(&byte, 1));
        break;
    case 2:
        splice(b, at, random_below(state, 2), bytes_of(&edge, 1));
        break;
    case 3:
        splice(b, at, random_below(state, EDIT_BYTES_MAX), (struct bytes){0});
        break;
    case 4:
        splice(b, at, 0, random_piece(state));
        break;
    default:
        splice(b, at, EDIT_BYTES_MAX, random_piece(state));
    }
}

static void mutate(struct buffer *b, uint64_t seed, uint64_t number)
{
    uint64_t state = seed ^ number * UINT64_C(0xd1342543de82ef95);
    const struct input *base = random_input(&state);
    b->len = 0;
    buffer_append(b, base->bytes.data, base->bytes.len);
    for (size_t edits = 1 + random_below(&state, EDITS_MAX); edits > 0; edits--)
        edit(b, &state);
    assert(!b->failed);
}

/* ---- Running ---- */

static void run(struct bytes bytes)
{
    uint8_t *exact = malloc(bytes.len + 1); /* the sanitizer sees what is read behind its end */
    assert(exact);
    uint8_t *end_aligned = exact + 1;
    if (bytes.len > 0)
        memcpy(end_aligned, bytes.data, bytes.len);
    LLVMFuzzerTestOneInput(end_aligned, bytes.len);
    free(exact);
}

static void save(const char *path, const struct buffer *b)
{
    FILE *file = fopen(path, "wb");
    assert(file);
    fwrite(b->data, 1, b->len, file);
    fclose(file);
}

static void run_all(const struct options *options)
{
    struct buffer b = {0};
    for (size_t i = 0; i < corpus.count; i++) {
        snprintf(running, sizeof running, "died at %s", corpus.inputs[i].name);
        run(bytes_of(corpus.inputs[i].bytes.data, corpus.inputs[i].bytes.len));
    }
    for (uint64_t n = options->first; n < options->first + options->mutations; n++) {
        snprintf(running, sizeof running,
                 "died at a mutation: again with --seed %llu --first %llu --mutations 1 "
                 "(--save FILE keeps the input)",
                 (unsigned long long)options->seed, (unsigned long long)n);
        mutate(&b, options->seed, n);
        if (options->save)
            save(options->save, &b);
        run(bytes_of(b.data, b.len));
    }
    buffer_free(&b);
}

static uint64_t seed_of_day(void)
{
    const char *wanted = getenv("TEST_SEED");
    return wanted ? strtoull(wanted, NULL, 0) : (uint64_t)time(NULL) * 1000 + (uint64_t)getpid();
}

int main(int argc, char **argv)
{
    static const struct option names[] = {{"mutations", required_argument, NULL, 'm'},
                                          {"seed", required_argument, NULL, 's'},
                                          {"first", required_argument, NULL, 'f'},
                                          {"save", required_argument, NULL, 'o'},
                                          {NULL, 0, NULL, 0}};
    struct options options = {.seed = seed_of_day()};
    int option;
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (option == 'm')
            options.mutations = strtoull(optarg, NULL, 0);
        else if (option == 's')
            options.seed = strtoull(optarg, NULL, 0);
        else if (option == 'f')
            options.first = strtoull(optarg, NULL, 0);
        else if (option == 'o')
            options.save = optarg;
        else
            return 2;
    }
    for (; optind < argc; optind++)
        load_all(argv[optind]);
    printf("%zu inputs, %llu mutations, TEST_SEED=%llu\n", corpus.count,
           (unsigned long long)options.mutations, (unsigned long long)options.seed);
    fflush(stdout);
    watch_for_death();
    run_all(&options);
    for (size_t i = 0; i < corpus.count; i++)
        buffer_free(&corpus.inputs[i].bytes);
    return 0;
}
