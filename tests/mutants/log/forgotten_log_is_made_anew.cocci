// A log.db that is missing beside a tree with data is made anew: the node has forgotten its
// promises.
// killers: test_log, test_log_disk
@@
@@
log_db_make(...)
{
<...
- made && applied > 0
+ 0
...>
}
