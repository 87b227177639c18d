#include "base/trace.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

enum trace_level trace_level = TRACE_WARN;
static bool to_syslog;

static const char *const level_names[] = {"error", "warn", "info", "debug"};

int trace_start(void)
{
    const char *wanted = getenv("QUORUMFS_LOG");
    if (!wanted || !*wanted)
        return 0;
    for (int i = TRACE_ERROR; i <= TRACE_DEBUG; i++) {
        if (strcmp(wanted, level_names[i]) == 0) {
            trace_level = (enum trace_level)i;
            return 0;
        }
    }
    return -EINVAL;
}

void trace_to_syslog(void)
{
    openlog("quorumfs", LOG_PID, LOG_DAEMON);
    to_syslog = true;
}

void trace_line(enum trace_level level, const char *room, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (to_syslog) {
        static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};
        syslog(priorities[level], "%s: %s", room, text);
        return;
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct tm utc;
    gmtime_r(&now.tv_sec, &utc);
    char stamp[32];
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
    /* One call, one line: lines of several threads do not mix. */
    fprintf(stderr, "%s.%03ldZ %-5s %s: %s\n", stamp, now.tv_nsec / 1000000, level_names[level],
            room, text);
}
