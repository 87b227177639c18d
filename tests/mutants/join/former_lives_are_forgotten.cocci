// A folder of a former format is opened, and the lives that it knew of the members are lost.
// killers: test_log_membership
@@
@@
log_db_upgrade(...)
{
<...
- sql_exec(...)
+ sql_exec(&db->sql, "DROP TABLE node")
...>
}
