// A database whose header says that there is no room for seals is believed.
// killers: test_seal
@@
@@
sql_format(...)
{
<...
- seal_is_kept(sql->db)
+ true
...>
}
