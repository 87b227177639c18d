/* How these tests end when something is wrong: with what it was, and where. */
#ifndef QUORUMFS_TESTS_FAULTS_REPORT_H
#define QUORUMFS_TESTS_FAULTS_REPORT_H

/* The place that the test has reached; printed when it ends, also by an assertion of the product.
 * `level` 0 is the outermost; setting one forgets those further in. */
void report_where(unsigned level, const char *format, ...) __attribute__((format(printf, 2, 3)));

void report_failure(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
#define report_unless(condition, ...)                                                              \
    do {                                                                                           \
        if (!(condition))                                                                          \
            report_failure(__VA_ARGS__);                                                           \
    } while (0)

#endif
