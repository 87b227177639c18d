// A log of a former format stays what it was: earlier versions would open it beside a newer tree.
// killers: test_upgrade
@@
@@
log_db_upgrade(...)
{
<...
- sql_upgraded(...)
+ 0
...>
}
