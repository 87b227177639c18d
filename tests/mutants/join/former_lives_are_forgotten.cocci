// A folder of a former format is opened, and what it knew of the members is lost.
// killers: test_log_membership
@@
@@
log_db_fill_members(...)
{
<...
- log_db_convert_nodes(db, members)
+ log_db_make_members(db, members)
...>
}
