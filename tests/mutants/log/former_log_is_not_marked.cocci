// A log of a former format keeps that format: earlier versions would open it beside a newer tree.
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
