/* Log lines for the operator: one line for each event, `LEVEL room: text`, on standard error or in
 * syslog(3).
 *
 * Quiet by default (warnings and errors); the environment variable
 * QUORUMFS_LOG=error|warn|info|debug sets the level. At debug, `room` is the subject of the line:
 * election, write, read, ... (doc/debugging.md). Lines never show keys or what is stored in them.
 * Thread: any. */
#ifndef QUORUMFS_BASE_TRACE_H
#define QUORUMFS_BASE_TRACE_H

enum trace_level { TRACE_ERROR, TRACE_WARN, TRACE_INFO, TRACE_DEBUG };

extern enum trace_level trace_level;

/* Reads QUORUMFS_LOG. Returns 0, or -EINVAL for a level that does not exist. */
int trace_start(void);
/* Before there are other threads. */
void trace_to_syslog(void);
void trace_line(enum trace_level level, const char *room, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether lines of this level are printed: for lines that cost something to make. */
#define trace_is_on(level) ((level) <= trace_level)

/* The arguments are not evaluated when the level is off. */
#define trace(level, room, ...)                                                                    \
    do {                                                                                           \
        if (trace_is_on(level))                                                                    \
            trace_line((level), (room), __VA_ARGS__);                                              \
    } while (0)
#define trace_error(room, ...) trace(TRACE_ERROR, room, __VA_ARGS__)
#define trace_warn(room, ...) trace(TRACE_WARN, room, __VA_ARGS__)
#define trace_info(room, ...) trace(TRACE_INFO, room, __VA_ARGS__)
#define trace_debug(room, ...) trace(TRACE_DEBUG, room, __VA_ARGS__)

#endif
